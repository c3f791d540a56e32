// SPDX-License-Identifier: Apache-2.0

/// What some bytes mean under a type.
public indirect enum DecodedValue: Hashable, Sendable {
  /// A whole number by its sign and magnitude.
  case integer(isNegative: Bool, magnitude: UInt128)
  /// A truth value.
  case boolean(Bool)
  /// The name of an enum's number.
  case enumerator(String)
  /// One plain `char`, by its bits.
  case character(UInt8)
  /// The text in an array of plain `char`, up to its first 0.
  case text([UInt8])
  /// The elements of an array.
  case array([DecodedValue])
  /// The members of a struct or union, those of anonymous ones among them.
  case structure([Field])
  /// A pointer.
  case address(UInt128)
  /// A floating-point number.
  case floating(Double)
  /// Bytes without a meaning.
  case bytes([UInt8])
  /// What was too much to read.
  case elided

  /// A member with its value.
  public struct Field: Hashable, Sendable {
    /// In C.
    public let name: String
    /// Its value.
    public let value: DecodedValue
  }
}

extension ValueLocation {
  /// The value that the variable's bytes have here.
  ///
  /// - Parameter limit: how many numbers, arrays and structs to read at most; what is beyond is `.elided`.
  public func value(in bytes: [UInt8], limit: Int = 1 << 20) -> DecodedValue {
    var left = limit
    return type.value(in: bytes, at: bitOffset, width: bitWidth, left: &left)
  }
}

extension ValueType {
  fileprivate func value(in bytes: [UInt8], at offset: Int, width: Int?, left: inout Int) -> DecodedValue {
    left -= 1
    guard left >= 0 else { return .elided }
    let count = width ?? size * 8
    switch shape {
    case .integer, .character, .boolean, .enumeration:
      guard let bits = ValueBits.read(bytes, at: offset, count: count) else { return .elided }
      return scalar(bits, count: count)
    case .pointer: return ValueBits.read(bytes, at: offset, count: count).map { .address($0) } ?? .elided
    case .floating: return floating(ValueBits.read(bytes, at: offset, count: count))
    case .opaque: return .bytes(slice(of: bytes, at: offset, count: size))
    case .array(let element, let elements):
      if case .character = element.shape, let text = text(slice(of: bytes, at: offset, count: elements)) {
        return .text(text)
      }
      var values: [DecodedValue] = []
      for index in 0..<elements {
        values.append(element.value(in: bytes, at: offset + index * element.size * 8, width: nil, left: &left))
        if left < 0 { break }
      }
      return .array(values)
    case .structure:
      var fields: [DecodedValue.Field] = []
      for member in namedMembers {
        let value = member.type.value(in: bytes, at: offset + member.bitOffset, width: member.bitWidth, left: &left)
        fields.append(DecodedValue.Field(name: member.name, value: value))
        if left < 0 { break }
      }
      return .structure(fields)
    }
  }

  private func scalar(_ bits: UInt128, count: Int) -> DecodedValue {
    switch shape {
    case .boolean where bits <= 1: return .boolean(bits == 1)
    case .character where count == 8: return .character(UInt8(truncatingIfNeeded: bits))
    case .enumeration(let isSigned, let members):
      let number = Self.number(bits, count: count, isSigned: isSigned)
      if let member = members.first(where: { Self.number(UInt128($0.bits), count: 64, isSigned: isSigned) == number }) {
        return .enumerator(member.name)
      }
      return number
    case .integer(let isSigned): return Self.number(bits, count: count, isSigned: isSigned)
    default: return Self.number(bits, count: count, isSigned: false)
    }
  }

  private static func number(_ bits: UInt128, count: Int, isSigned: Bool) -> DecodedValue {
    guard isSigned, bits >> UInt128(count - 1) & 1 == 1 else { return .integer(isNegative: false, magnitude: bits) }
    let mask = count == 128 ? UInt128.max : (1 << UInt128(count)) - 1
    return .integer(isNegative: true, magnitude: (~bits & mask) &+ 1)
  }

  private func floating(_ bits: UInt128?) -> DecodedValue {
    switch (size, bits) {
    case (4, let bits?): .floating(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
    case (8, let bits?): .floating(Double(bitPattern: UInt64(truncatingIfNeeded: bits)))
    case (_, let bits?): .address(bits)
    case (_, nil): .elided
    }
  }

  /// An array of chars is a text if it ends within it, with nothing behind that setting the text would lose.
  private func text(_ bytes: [UInt8]) -> [UInt8]? {
    guard let end = bytes.firstIndex(of: 0), bytes[end...].allSatisfy({ $0 == 0 }) else { return nil }
    return Array(bytes[..<end])
  }

  private func slice(of bytes: [UInt8], at offset: Int, count: Int) -> [UInt8] {
    guard offset >= 0, offset / 8 <= bytes.count else { return [] }
    return Array(bytes[(offset / 8)...].prefix(count))
  }
}

extension DecodedValue {
  /// What of it `set` can give to another build of the program too: no pointers, floating-point numbers and bytes without
  /// a meaning, of structs the other members; nil if nothing is left.
  public var settable: DecodedValue? {
    switch self {
    case .integer, .boolean, .enumerator, .character, .text: return self
    case .address, .floating, .bytes, .elided: return nil
    case .array(let values):
      let settable = values.compactMap(\.settable)
      return settable.count == values.count ? .array(settable) : nil
    case .structure(let fields):
      let settable = fields.compactMap { field in field.value.settable.map { Field(name: field.name, value: $0) } }
      return settable.isEmpty ? nil : .structure(settable)
    }
  }
}

extension DecodedValue: CustomStringConvertible {
  /// As `set` takes it: `42`, `true`, `[1, 2]`, `{a=1, b="text"}`.
  public var description: String { text(separator: ", ") }

  /// The same without spaces between the parts, for columns.
  public var compact: String { text(separator: ",") }

  private func text(separator: String) -> String {
    switch self {
    case .integer(let isNegative, let magnitude): (isNegative ? "-" : "") + String(magnitude)
    case .boolean(let value): String(value)
    case .enumerator(let name): name
    case .character(let byte):
      (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "'")
        ? "'\(Character(UnicodeScalar(byte)))'" : String(Int8(bitPattern: byte))
    case .text(let bytes): Self.quoted(bytes)
    case .array(let values): "[" + values.map { $0.text(separator: separator) }.joined(separator: separator) + "]"
    case .structure(let fields):
      "{" + fields.map { "\($0.name)=\($0.value.text(separator: separator))" }.joined(separator: separator) + "}"
    case .address(let bits): "0x" + String(bits, radix: 16)
    case .floating(let value): String(value)
    case .bytes(let bytes): "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    case .elided: "…"
    }
  }

  private static func quoted(_ bytes: [UInt8]) -> String {
    "\""
      + bytes.map { byte in
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case 0x20...0x7e: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
      }.joined() + "\""
  }
}
