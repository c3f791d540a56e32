// SPDX-License-Identifier: Apache-2.0

import CLibMNL

/// A message that the kernel sent, as a value of its own.
struct NetlinkMessage: Sendable {
  private let payload: [UInt8]

  init(copying message: UnsafePointer<nlmsghdr>) {
    payload = Array(
      UnsafeRawBufferPointer(start: mnl_nlmsg_get_payload(message), count: mnl_nlmsg_get_payload_len(message)))
  }

  /// The family's own header, such as `tcmsg`, and the attributes after it; nil if the message is too short for it.
  func parsed<Header: BitwiseCopyable>(as type: Header.Type) -> (header: Header, attributes: NetlinkAttributes)? {
    guard payload.count >= MemoryLayout<Header>.size else { return nil }
    let header = payload.withUnsafeBytes { $0.loadUnaligned(as: type) }
    let start = (MemoryLayout<Header>.size + 3) & ~3
    guard let attributes = NetlinkAttributes(Array(payload.dropFirst(start))) else { return nil }
    return (header, attributes)
  }
}

/// The attributes of a message, or those within an attribute, by type; of several of one type the last.
struct NetlinkAttributes: Sendable {
  private typealias Values = [UInt16: [UInt8]]

  private var values: Values = [:]

  /// nil if libmnl cannot read them.
  init?(_ bytes: [UInt8]) {
    let read: mnl_attr_cb_t = { attribute, context in
      guard let attribute, let context else { return MNL_CB_ERROR }
      let value = UnsafeRawBufferPointer(
        start: mnl_attr_get_payload(attribute), count: Int(mnl_attr_get_payload_len(attribute)))
      context.assumingMemoryBound(to: Values.self).pointee[mnl_attr_get_type(attribute)] = Array(value)
      return MNL_CB_OK
    }
    let result = withUnsafeMutablePointer(to: &values) { values in
      bytes.withUnsafeBytes { mnl_attr_parse_payload($0.baseAddress, $0.count, read, values) }
    }
    guard result >= 0 else { return nil }
  }

  /// Whether there is one of this type.
  func has(_ type: Int) -> Bool { values[UInt16(truncatingIfNeeded: type)] != nil }

  /// A number; nil if there is none.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Int, as: Number.Type = UInt32.self) -> Number? {
    guard let value = values[UInt16(truncatingIfNeeded: type)], value.count == MemoryLayout<Number>.size else {
      return nil
    }
    return value.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
  }

  /// A text; nil if there is none.
  func text(_ type: Int) -> String? {
    values[UInt16(truncatingIfNeeded: type)].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// The attributes within one; nil if there is none.
  func nested(_ type: Int) -> NetlinkAttributes? { values[UInt16(truncatingIfNeeded: type)].flatMap(Self.init) }
}
