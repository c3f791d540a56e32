// SPDX-License-Identifier: Apache-2.0

import CLibMNL
import SystemPackage

/// A tc filter that runs a BPF program (`cls_bpf`): where it is, and how it was set.
struct ProgramFilter: Sendable {
  private static let kind = "bpf"

  /// An interface's index, or that of no interface for a block that several share.
  let interface: Int32
  /// The discipline or class, or the number of the shared block.
  let parent: UInt32
  let chain: UInt32
  let handle: UInt32
  /// Preference, and the protocol in network order.
  private let info: UInt32
  let program: UInt32
  /// Whether actions of their own follow, which a replacement would lose.
  let hasActions: Bool
  private let classID: UInt32?
  private let name: String?
  private let flags: UInt32
  private let hardwareFlags: UInt32

  /// - Parameter parent: what was asked for: the kernel answers with the side that last got a filter.
  private init?(_ message: NetlinkMessage, parent: UInt32) {
    guard let (header, attributes) = message.parsed(as: tcmsg.self), attributes.text(TCA_KIND) == Self.kind,
      let options = attributes.nested(TCA_OPTIONS), let program: UInt32 = options.number(TCA_BPF_ID)
    else { return nil }
    interface = header.tcm_ifindex
    self.parent = UInt32(bitPattern: interface) == TCM_IFINDEX_MAGIC_BLOCK ? header.tcm_parent : parent
    chain = attributes.number(TCA_CHAIN) ?? 0
    handle = header.tcm_handle
    info = header.tcm_info
    self.program = program
    hasActions = options.has(TCA_BPF_ACT) || options.has(TCA_BPF_POLICE)
    classID = options.number(TCA_BPF_CLASSID)
    name = options.text(TCA_BPF_NAME)
    flags = options.number(TCA_BPF_FLAGS) ?? 0
    // The others tell where the filter has come to be.
    hardwareFlags = (options.number(TCA_BPF_FLAGS_GEN) ?? 0) & UInt32(TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW)
  }

  /// The shared block it is in; nil for one of a single interface.
  var block: UInt32? { UInt32(bitPattern: interface) == TCM_IFINDEX_MAGIC_BLOCK ? parent : nil }

  var preference: UInt32 { info >> 16 }

  /// What tells it from all others of a namespace.
  var key: [UInt32] { [UInt32(bitPattern: interface), parent, chain, info, handle] }

  /// All those under a parent.
  static func all(
    of interface: UInt32, parent: UInt32, system: BPFSystem, over socket: borrowing RouteSocket
  ) throws(Errno) -> [ProgramFilter] {
    var header = tcmsg()
    header.tcm_ifindex = Int32(bitPattern: interface)
    header.tcm_parent = parent
    let request = NetlinkRequest(RTM_GETTFILTER, flags: NLM_F_DUMP, header)
    return try system.dump(request, over: socket).compactMap { ProgramFilter($0, parent: parent) }
  }

  /// How it stands now.
  ///
  /// - Throws: `ENOENT` if it is gone, `ENODEV` if its interface is, `EINVAL` if its discipline is.
  func current(system: BPFSystem, over socket: borrowing RouteSocket) throws(Errno) -> ProgramFilter? {
    try system.get(request(RTM_GETTFILTER), over: socket).flatMap { ProgramFilter($0, parent: parent) }
  }

  /// Gives the filter another program, and leaves all else as it is. Packets see the one or the other.
  func replaceProgram(
    by program: SharedFD, system: BPFSystem, over socket: borrowing RouteSocket
  ) throws(Errno) {
    var request = request(RTM_NEWTFILTER)
    program.withRaw { raw in
      request.nest(TCA_OPTIONS) { options in
        if let classID { options.put(TCA_BPF_CLASSID, classID) }
        options.put(TCA_BPF_FD, UInt32(bitPattern: raw))
        if let name { options.put(TCA_BPF_NAME, name) }
        options.put(TCA_BPF_FLAGS, flags)
        options.put(TCA_BPF_FLAGS_GEN, hardwareFlags)
      }
    }
    try program.withRaw { _ throws(Errno) in try system.replaceFilter(request, over: socket) }
  }

  private func request(_ type: Int) -> NetlinkRequest {
    var header = tcmsg()
    header.tcm_ifindex = interface
    header.tcm_parent = parent
    header.tcm_handle = handle
    header.tcm_info = info
    var request = NetlinkRequest(type, flags: NLM_F_ACK, header)
    request.put(TCA_KIND, Self.kind)
    if chain != 0 { request.put(TCA_CHAIN, chain) }
    return request
  }
}
