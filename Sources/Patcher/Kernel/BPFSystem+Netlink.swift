// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import CLibMNL
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension BPFSystem {
  /// A network namespace by its file.
  func openNamespace(_ path: FilePath) throws(Errno) -> SharedFD {
    try open(.namespaceOpen) {
      let raw = Glibc.open(path.string, O_RDONLY | O_CLOEXEC)
      return raw < 0 ? -errno : raw
    }
  }

  /// Moves this thread into a network namespace. The C function is `setns`.
  func enterNamespace(_ file: SharedFD) throws(Errno) {
    _ = try libcCall(.namespaceEnter) { file.withRaw(sk_enter_netns) }
  }

  /// A socket to the network configuration of the namespace that this thread is in. The C function is `mnl_socket_open2`.
  func openRouteSocket() throws(Errno) -> RouteSocket {
    var opened: OpaquePointer?
    _ = try libcCall(.netlinkOpen) {
      opened = mnl_socket_open2(NETLINK_ROUTE, Int32(SOCK_CLOEXEC.rawValue))
      return opened == nil ? -1 : 0
    }
    guard let opened else { throw Errno.badFileDescriptor }
    let socket = RouteSocket(owning: opened)
    _ = try libcCall(.netlinkOpen) { socket.bind() }
    return socket
  }

  /// All answers to a request for a list.
  ///
  /// - Throws: `EINTR` if the list never stayed the same for as long as it took to read.
  func dump(_ request: borrowing NetlinkRequest, over socket: borrowing RouteSocket) throws(Errno) -> [NetlinkMessage] {
    var attempts = 1
    while true {
      do throws(Errno) {
        return try converse(.netlinkDump, request, over: socket)
      } catch .interrupted where attempts < 10 {
        attempts += 1
      }
    }
  }

  /// The answer to a request for one thing.
  func get(_ request: borrowing NetlinkRequest, over socket: borrowing RouteSocket) throws(Errno) -> NetlinkMessage? {
    try converse(.netlinkGet, request, over: socket).first
  }

  /// Replaces a filter (RTM_NEWTFILTER).
  func replaceFilter(_ request: borrowing NetlinkRequest, over socket: borrowing RouteSocket) throws(Errno) {
    _ = try converse(.filterReplace, request, over: socket)
  }

  private func converse(
    _ call: Call, _ request: borrowing NetlinkRequest, over socket: borrowing RouteSocket
  ) throws(Errno) -> [NetlinkMessage] {
    var answers: [NetlinkMessage] = []
    _ = try self.call(call) {
      switch socket.ask(request) {
      case .success(let messages):
        answers = messages
        return 0
      case .failure(let errno): return -errno.rawValue
      }
    }
    return answers
  }

  /// Replaces the program of an interface's XDP hook, if it is still `old`: a compare-and-swap. A linked program is never
  /// replaced.
  ///
  /// Requires Linux 5.7. The C function is `bpf_xdp_attach`.
  /// - Parameter mode: `XDP_FLAGS_DRV_MODE` or `XDP_FLAGS_SKB_MODE`.
  /// - Throws: `EEXIST` if another program is there, `EBUSY` if a link is, `ENODEV` if the interface is gone.
  func replaceXDP(
    interface: UInt32, mode: UInt32, from old: SharedFD, to new: SharedFD
  ) throws(Errno) {
    var opts = bpf_xdp_attach_opts()
    // Up to its last member: libbpf wants what lies beyond to be zero, padding too.
    opts.sz = MemoryLayout<Int>.size + MemoryLayout<Int32>.size
    _ = try call(.xdpReplace) {
      old.withRaw { old in
        opts.old_prog_fd = old
        return new.withRaw { new in
          // It prints what the kernel adds to its refusal; the errno says enough.
          LibbpfMessages.collect {
            bpf_xdp_attach(Int32(bitPattern: interface), new, mode | UInt32(XDP_FLAGS_REPLACE), &opts)
          }.result
        }
      }
    }
  }

  /// The id of the program on an interface's XDP hook in one mode; 0 if there is none. The C function is
  /// `bpf_xdp_query_id`.
  func programOnXDP(interface: UInt32, mode: UInt32) throws(Errno) -> UInt32 {
    var id: UInt32 = 0
    _ = try call(.netlinkGet) { bpf_xdp_query_id(Int32(bitPattern: interface), Int32(bitPattern: mode), &id) }
    return id
  }
}
