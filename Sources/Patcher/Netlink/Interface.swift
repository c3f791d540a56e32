// SPDX-License-Identifier: Apache-2.0

import CLibMNL
import SystemPackage

/// A network interface, as the kernel lists them.
struct Interface: Sendable {
  let index: UInt32
  let name: String
  /// The kind of a virtual one, such as "veth"; nil for most others.
  let kind: String?
  /// What its XDP hook holds (`IFLA_XDP_…`).
  let xdp: NetlinkAttributes?

  private init?(_ message: NetlinkMessage) {
    guard let (header, attributes) = message.parsed(as: ifinfomsg.self), let name = attributes.text(IFLA_IFNAME) else {
      return nil
    }
    index = UInt32(bitPattern: header.ifi_index)
    self.name = name
    kind = attributes.nested(IFLA_LINKINFO)?.text(IFLA_INFO_KIND)
    xdp = attributes.nested(IFLA_XDP)
  }

  /// All interfaces of the socket's namespace.
  static func all(system: BPFSystem, over socket: borrowing RouteSocket) throws(Errno) -> [Interface] {
    var request = NetlinkRequest(RTM_GETLINK, flags: NLM_F_DUMP, ifinfomsg())
    request.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
    return try system.dump(request, over: socket).compactMap(Interface.init)
  }
}
