// SPDX-License-Identifier: Apache-2.0

import CLibMNL

/// A netlink request that libmnl puts together.
struct NetlinkRequest: ~Copyable {
  private static let capacity = 4096

  private let memory: UnsafeMutableRawPointer
  /// Whether all that was put in had room.
  private(set) var isComplete = true

  /// A request of this type (`RTM_…`) that starts with the family's own header, such as `tcmsg`.
  ///
  /// - Parameter flags: `NLM_F_DUMP` for a list, `NLM_F_ACK` for one thing.
  init<Header: BitwiseCopyable>(_ type: Int, flags: Int32, _ header: Header) {
    memory = .allocate(byteCount: Self.capacity, alignment: MemoryLayout<UInt64>.alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity)
    let message = mnl_nlmsg_put_header(memory)
    message?.pointee.nlmsg_type = UInt16(truncatingIfNeeded: type)
    message?.pointee.nlmsg_flags = UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags)
    mnl_nlmsg_put_extra_header(message, MemoryLayout<Header>.size)?.storeBytes(of: header, as: Header.self)
  }

  deinit { memory.deallocate() }

  private var message: UnsafeMutablePointer<nlmsghdr> { memory.assumingMemoryBound(to: nlmsghdr.self) }

  /// Adds an attribute.
  mutating func put(_ type: Int, _ value: UInt32) {
    if !mnl_attr_put_u32_check(message, Self.capacity, UInt16(truncatingIfNeeded: type), value) { isComplete = false }
  }

  /// Adds a text attribute.
  mutating func put(_ type: Int, _ text: String) {
    if !mnl_attr_put_strz_check(message, Self.capacity, UInt16(truncatingIfNeeded: type), text) { isComplete = false }
  }

  /// Adds an attribute that holds those that `body` adds.
  mutating func nest(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
    guard let start = mnl_attr_nest_start_check(message, Self.capacity, UInt16(truncatingIfNeeded: type)) else {
      isComplete = false
      return
    }
    body(&self)
    mnl_attr_nest_end(message, start)
  }

  /// Gives the request its number and `body` its bytes.
  func send<R>(numbered sequence: UInt32, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    message.pointee.nlmsg_seq = sequence
    return body(UnsafeRawBufferPointer(start: memory, count: Int(message.pointee.nlmsg_len)))
  }
}
