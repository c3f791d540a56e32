// SPDX-License-Identifier: Apache-2.0

import CLibMNL
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one owner of a netlink socket of libmnl's, which speaks to one network namespace.
struct RouteSocket: ~Copyable {
  private let socket: OpaquePointer

  /// Takes over an open socket.
  init(owning socket: OpaquePointer) { self.socket = socket }

  deinit { mnl_socket_close(socket) }

  /// Gives the socket its address, as libc answers: negative for an error in `errno`.
  func bind() -> Int32 { mnl_socket_bind(socket, 0, pid_t(MNL_SOCKET_AUTOPID)) }

  /// Sends a request and collects the answers.
  ///
  /// - Returns: the errno that the kernel answers with; `EINTR` where the list changed while it was read.
  func ask(_ request: borrowing NetlinkRequest) -> Result<[NetlinkMessage], Errno> {
    guard request.isComplete else { return .failure(.argListTooLong) }
    // One request at a time, each of a socket of its own or done: any number tells it from a former one.
    let sequence = UInt32.random(in: 1...UInt32.max)
    guard request.send(numbered: sequence, { mnl_socket_sendto(socket, $0.baseAddress, $0.count) }) >= 0 else {
      return .failure(Errno(rawValue: errno))
    }
    // The kernel fills up to 32 KiB at once.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: MemoryLayout<UInt64>.alignment)
    defer { memory.deallocate() }
    var answers = Answers(sequence: sequence, port: mnl_socket_get_portid(socket))
    while true {
      let received = mnl_socket_recvfrom(socket, memory.baseAddress, memory.count)
      guard received >= 0 else { return .failure(Errno(rawValue: errno)) }
      if let end = answers.take(UnsafeRawBufferPointer(rebasing: memory[..<received])) {
        guard end == 0 else { return .failure(Errno(rawValue: end)) }
        return answers.wereInterrupted ? .failure(.interrupted) : .success(answers.messages)
      }
    }
  }
}

/// What has come in answer to one request.
private struct Answers {
  let sequence: UInt32
  let port: UInt32
  var messages: [NetlinkMessage] = []
  var wereInterrupted = false

  init(sequence: UInt32, port: UInt32) {
    self.sequence = sequence
    self.port = port
  }

  /// Takes what one receive gave.
  ///
  /// - Returns: nil if there is more to come, else 0 or the errno that ends it.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int32? {
    var left = Int32(clamping: bytes.count)
    var next = bytes.baseAddress?.assumingMemoryBound(to: nlmsghdr.self)
    while let message = next, mnl_nlmsg_ok(message, left) {
      if mnl_nlmsg_seq_ok(message, sequence), mnl_nlmsg_portid_ok(message, port), let end = take(message) { return end }
      next = UnsafePointer(mnl_nlmsg_next(message, &left))
    }
    return nil
  }

  private mutating func take(_ message: UnsafePointer<nlmsghdr>) -> Int32? {
    if message.pointee.nlmsg_flags & UInt16(NLM_F_DUMP_INTR) != 0 { wereInterrupted = true }
    switch Int32(message.pointee.nlmsg_type) {
    // Both begin with a negated errno; that of a list that ended well is 0.
    case NLMSG_ERROR, NLMSG_DONE:
      guard mnl_nlmsg_get_payload_len(message) >= MemoryLayout<Int32>.size else { return 0 }
      return -(mnl_nlmsg_get_payload(message)?.loadUnaligned(as: Int32.self) ?? 0)
    default:
      messages.append(NetlinkMessage(copying: message))
      return nil
    }
  }
}
