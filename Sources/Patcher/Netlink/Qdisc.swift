// SPDX-License-Identifier: Apache-2.0

import CLibMNL
import SystemPackage

/// A queueing discipline: what tc filters hang on.
struct Qdisc: Sendable {
  let interface: UInt32
  private let kind: String
  private let handle: UInt32

  private init?(_ message: NetlinkMessage) {
    guard let (header, attributes) = message.parsed(as: tcmsg.self), let kind = attributes.text(TCA_KIND) else {
      return nil
    }
    interface = UInt32(bitPattern: header.tcm_ifindex)
    handle = header.tcm_handle
    self.kind = kind
  }

  /// Where filters can be, as `tcm_parent`: the two sides of a pseudo discipline; another one itself and its classes.
  func filterParents(system: BPFSystem, over socket: borrowing RouteSocket) throws(Errno) -> [UInt32] {
    switch kind {
    case "clsact": return [FilterSide.ingress.parent, FilterSide.egress.parent]
    case "ingress": return [FilterSide.ingress.parent]
    default:
      // One without a handle is the kernel's own.
      guard handle != 0 else { return [] }
      var header = tcmsg()
      header.tcm_ifindex = Int32(bitPattern: interface)
      header.tcm_parent = handle
      let request = NetlinkRequest(RTM_GETTCLASS, flags: NLM_F_DUMP, header)
      let classes = try system.dump(request, over: socket).compactMap { $0.parsed(as: tcmsg.self)?.header.tcm_handle }
      return [handle] + classes
    }
  }

  /// All those of the socket's namespace.
  static func all(system: BPFSystem, over socket: borrowing RouteSocket) throws(Errno) -> [Qdisc] {
    let request = NetlinkRequest(RTM_GETQDISC, flags: NLM_F_DUMP, tcmsg())
    return try system.dump(request, over: socket).compactMap(Qdisc.init)
  }
}

/// The sides of the pseudo disciplines `clsact` and `ingress`.
enum FilterSide: String, CaseIterable, Sendable {
  case ingress, egress

  /// `TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)` and its like.
  var parent: UInt32 {
    (TC_H_CLSACT & 0xffff_0000) | (self == .ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS)
  }
}
