// SPDX-License-Identifier: Apache-2.0

/// From what a user writes to a variable's bytes.
extension ValueLocation {
  /// Puts the value that a text says into the variable's bytes.
  ///
  /// Numbers are decimal or, with 0x, hexadecimal; enums take names too, truth values on, off, true, false, 1 and 0,
  /// arrays of char a text with or without quotes. `[…]` sets a whole array, `{name=…}` the members it names.
  /// - Returns: the bits that were set, of each number and text by itself.
  /// - Throws: `.badValue` for what the type cannot hold, with the type; `.notFound` for a member that does not exist.
  @discardableResult
  public func set(_ text: String, in bytes: inout [UInt8]) throws(StaticKeysError) -> [Range<Int>] {
    var writer = Writer(bytes: bytes)
    try set(text, with: &writer)
    bytes = writer.bytes
    return writer.written
  }

  /// The bytes being changed, and which of their bits have been.
  private struct Writer {
    var bytes: [UInt8]
    var written: [Range<Int>] = []
  }

  private func set(_ text: String, with writer: inout Writer) throws(StaticKeysError) {
    if isText, !text.hasPrefix("\""), !text.hasPrefix("[") {
      return try set(text: Array(text.utf8), with: &writer)
    }
    // So that what `get` shows can be given back.
    if !isSettable, text == value(in: writer.bytes).description { return }
    guard let literal = ValueLiteral(text) else {
      throw refusal(
        "'\(text)' cannot be read", advice: "write [1, 2] for arrays, {a=1, b=2} for structs, \"…\" for text")
    }
    try set(literal, with: &writer)
  }

  private var isText: Bool {
    if case .array(let element, _) = type.shape, case .character = element.shape { true } else { false }
  }

  private var isSettable: Bool {
    switch type.shape {
    case .pointer, .floating, .opaque: false
    default: true
    }
  }

  private func set(_ literal: ValueLiteral, with writer: inout Writer) throws(StaticKeysError) {
    switch (type.shape, literal) {
    case (.array, .quoted(let text)) where isText: try set(text: text, with: &writer)
    case (.array, .word(let word)) where isText: try set(text: Array(word.utf8), with: &writer)
    case (.array(_, let count), .list(let items)):
      guard items.count == count else {
        throw refusal("has \(count) elements, not \(items.count)", advice: "set one by its index: \(expression)[0]=…")
      }
      for (index, item) in items.enumerated() { try element(index).set(item, with: &writer) }
    case (.structure, .fields(let fields)):
      for field in fields { try member(field.name).set(field.value, with: &writer) }
    case (.array, _): throw refusal("takes [\(Self.ellipsis)], not \(literal.text)")
    case (.structure, _):
      throw refusal("takes {\(memberHint)}, not \(literal.text)", advice: "set one by its name: \(partHint)=…")
    case (.pointer, .word(let word)), (.floating, .word(let word)), (.opaque, .word(let word)):
      guard word == value(in: writer.bytes).description else {
        throw refusal("cannot be set: only whole numbers, truth values, enums and text can")
      }
    case (_, .word(let word)): try set(word: word, with: &writer)
    case (_, _): throw refusal("takes one value, not \(literal.text)")
    }
  }

  private static let ellipsis = "…, …"
  private var memberHint: String { type.namedMembers.first.map { "\($0.name)=…" } ?? "" }
  private var partHint: String { "\(expression).\(type.namedMembers.first?.name ?? "")" }

  private func set(text: [UInt8], with writer: inout Writer) throws(StaticKeysError) {
    guard !text.contains(0) else { throw refusal("the text has a 0 in it, which would end it") }
    guard text.count < type.size else {
      throw refusal("the text is \(text.count) bytes long, and with its ending 0 at most \(type.size) fit")
    }
    let start = bitOffset / 8
    guard bitOffset % 8 == 0, start + type.size <= writer.bytes.count else { throw outside }
    let padded = text + [UInt8](repeating: 0, count: type.size - text.count)
    writer.bytes.replaceSubrange(start..<start + type.size, with: padded)
    writer.written.append(bitOffset..<bitOffset + type.size * 8)
  }

  private func set(word: String, with writer: inout Writer) throws(StaticKeysError) {
    let bits = bitWidth ?? type.size * 8
    guard ValueBits.write(try number(word, bits: bits), to: &writer.bytes, at: bitOffset, count: bits) else {
      throw outside
    }
    writer.written.append(bitOffset..<bitOffset + bits)
  }

  /// The bits of a number in two's complement.
  private func number(_ word: String, bits: Int) throws(StaticKeysError) -> UInt128 {
    switch type.shape {
    case .boolean:
      guard let value = SwitchWord.value(of: word) else {
        throw refusal("'\(word)' is no truth value", advice: "write on, off, true, false, 1 or 0")
      }
      return value ? 1 : 0
    case .enumeration(let isSigned, let members):
      if let member = members.first(where: { $0.name == word }) {
        return try checked(Number(member.bits, isSigned: isSigned), word, bits: bits, isSigned: isSigned)
      }
      guard let number = try written(word) else {
        let names = members.prefix(20).map(\.name).joined(separator: ", ") + (members.count > 20 ? ", …" : "")
        throw refusal("'\(word)' is none of its names", advice: "it has \(names)")
      }
      return try checked(number, word, bits: bits, isSigned: isSigned)
    case .character:
      if word.utf8.count == 3, word.hasPrefix("'"), word.hasSuffix("'") { return UInt128(Array(word.utf8)[1]) }
      guard let number = try written(word) else { throw refusal("'\(word)' is no number, and no char such as 'x'") }
      // Whether a plain char has a sign is the compiler's choice.
      return try checked(number, word, bits: bits, isSigned: number.isNegative)
    case .integer(let isSigned):
      guard let number = try written(word) else {
        throw refusal("'\(word)' is no whole number", advice: "write it in decimal, or in hex with 0x")
      }
      return try checked(number, word, bits: bits, isSigned: isSigned)
    case .array, .structure, .pointer, .floating, .opaque: throw refusal("takes no number")
    }
  }

  private struct Number {
    let isNegative: Bool
    /// nil if it is larger than any type holds.
    let magnitude: UInt128?

    init(isNegative: Bool, magnitude: UInt128?) {
      self.isNegative = isNegative
      self.magnitude = magnitude
    }

    /// An enumerator's.
    init(_ bits: UInt64, isSigned: Bool) {
      isNegative = isSigned && Int64(bitPattern: bits) < 0
      magnitude = UInt128(isNegative ? 0 &- bits : bits)
    }
  }

  /// The number in a word; nil if there is none.
  private func written(_ word: String) throws(StaticKeysError) -> Number? {
    let isNegative = word.hasPrefix("-")
    let digits = isNegative ? word.dropFirst() : Substring(word)
    let isHex = digits.hasPrefix("0x") || digits.hasPrefix("0X")
    let body = isHex ? digits.dropFirst(2) : digits
    guard !body.isEmpty, body.allSatisfy({ $0.isASCII && (isHex ? $0.isHexDigit : $0.isWholeNumber) }) else {
      return nil
    }
    guard isHex || body.count == 1 || body.first != "0" else {
      throw refusal(
        "'\(word)' has a leading zero, which C takes for octal", advice: "write it in decimal, or in hex with 0x")
    }
    return Number(isNegative: isNegative, magnitude: UInt128(body, radix: isHex ? 16 : 10))
  }

  private func checked(
    _ number: Number, _ word: String, bits: Int, isSigned: Bool
  ) throws(StaticKeysError) -> UInt128 {
    let highest: UInt128 = bits >= 128 ? (isSigned ? .max >> 1 : .max) : (1 << UInt128(isSigned ? bits - 1 : bits)) - 1
    let lowest: UInt128 = isSigned ? highest + 1 : 0
    guard let magnitude = number.magnitude, magnitude <= (number.isNegative ? lowest : highest) else {
      throw refusal("'\(word)' is out of range", advice: "it holds \(isSigned ? "-" : "")\(lowest) to \(highest)")
    }
    return number.isNegative ? ~magnitude &+ 1 : magnitude
  }

  private var outside: StaticKeysError {
    StaticKeysError(.malformed, "\(declaration) lies beyond the bytes that there are")
  }

  private func refusal(_ message: String, advice: String? = nil) -> StaticKeysError {
    StaticKeysError(.badValue, "\(declaration): \(message)", advice: advice)
  }
}

extension ValueLiteral {
  fileprivate var text: String {
    switch self {
    case .word(let word): "'\(word)'"
    case .quoted: "a text"
    case .list: "[…]"
    case .fields: "{…}"
    }
  }
}

/// The words for a switch's two positions.
public enum SwitchWord {
  /// on, true, 1 or off, false, 0; nil for any other.
  public static func value(of word: some StringProtocol) -> Bool? {
    switch word {
    case "on", "true", "1": true
    case "off", "false", "0": false
    default: nil
    }
  }
}
