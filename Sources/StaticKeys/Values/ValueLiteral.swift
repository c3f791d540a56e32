// SPDX-License-Identifier: Apache-2.0

/// A value as a user writes it, before any type says what it means.
indirect enum ValueLiteral: Hashable {
  /// A number, a name, a truth value: what has no quotes or brackets.
  case word(String)
  /// `"…"`, without its escapes.
  case quoted([UInt8])
  /// `[…, …]`
  case list([ValueLiteral])
  /// `{name=…, name=…}`
  case fields([Field])

  struct Field: Hashable {
    let name: String
    let value: ValueLiteral
  }

  /// The value in a text; nil if brackets or quotes do not match.
  init?(_ text: String) {
    var scanner = Scanner(rest: Array(text.utf8)[...])
    guard let value = scanner.value(depth: 0), scanner.isAtEnd else { return nil }
    self = value
  }

  private struct Scanner {
    var rest: ArraySlice<UInt8>
    /// No type goes deeper.
    static let deepest = 64

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return rest.isEmpty
      }
    }

    mutating func value(depth: Int) -> ValueLiteral? {
      guard depth < Self.deepest else { return nil }
      skipSpace()
      switch rest.first {
      case UInt8(ascii: "\""): return quoted().map { .quoted($0) }
      case UInt8(ascii: "["):
        return items(until: UInt8(ascii: "]")) { scanner in scanner.value(depth: depth + 1) }.map { .list($0) }
      case UInt8(ascii: "{"):
        return items(until: UInt8(ascii: "}")) { scanner in scanner.field(depth: depth + 1) }.map { .fields($0) }
      default: return word()
      }
    }

    private mutating func skipSpace() { rest = rest.drop { $0 == UInt8(ascii: " ") } }

    private mutating func word() -> ValueLiteral? {
      // A char's quotes may hold what else would end a word: ','.
      let quoted = rest.first == UInt8(ascii: "'") ? rest.prefix(3) : []
      let tail = rest.dropFirst(quoted.count).prefix { !Array(",]}=".utf8).contains($0) }
      let text = String(decoding: quoted + tail, as: UTF8.self)
      rest = rest.dropFirst(quoted.count + tail.count)
      let trimmed = text.reversed().drop { $0 == " " }.reversed()
      return trimmed.isEmpty ? nil : .word(String(trimmed))
    }

    private mutating func field(depth: Int) -> ValueLiteral.Field? {
      skipSpace()
      guard case .word(let name)? = word(), rest.first == UInt8(ascii: "=") else { return nil }
      rest = rest.dropFirst()
      return value(depth: depth).map { ValueLiteral.Field(name: name, value: $0) }
    }

    private mutating func items<Item>(until end: UInt8, _ item: (inout Scanner) -> Item?) -> [Item]? {
      rest = rest.dropFirst()
      skipSpace()
      var items: [Item] = []
      if rest.first == end {
        rest = rest.dropFirst()
        return items
      }
      while let next = item(&self) {
        items.append(next)
        skipSpace()
        guard let mark = rest.popFirst() else { return nil }
        if mark == end { return items }
        guard mark == UInt8(ascii: ",") else { return nil }
      }
      return nil
    }

    private mutating func quoted() -> [UInt8]? {
      rest = rest.dropFirst()
      var bytes: [UInt8] = []
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return bytes
        case UInt8(ascii: "\\"):
          guard let byte = escape() else { return nil }
          bytes.append(byte)
        default: bytes.append(byte)
        }
      }
      return nil
    }

    private mutating func escape() -> UInt8? {
      switch rest.popFirst() {
      case UInt8(ascii: "n"): return 0x0a
      case UInt8(ascii: "t"): return 0x09
      case UInt8(ascii: "x"):
        let digits = rest.prefix(2)
        rest = rest.dropFirst(2)
        return digits.count == 2 ? UInt8(String(decoding: digits, as: UTF8.self), radix: 16) : nil
      case let byte? where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\"): return byte
      default: return nil
      }
    }
  }
}
