// SPDX-License-Identifier: Apache-2.0

/// The name of a static key: a C identifier.
public struct KeyName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The identifier.
  public let rawValue: String

  /// The key of this name; nil if it is no C identifier.
  public init?(_ name: some StringProtocol) {
    let bytes = name.utf8
    guard let first = bytes.first, Self.isLetter(first), bytes.allSatisfy({ Self.isLetter($0) || Self.isDigit($0) })
    else { return nil }
    rawValue = String(name)
  }

  public var description: String { rawValue }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  private static func isLetter(_ c: UInt8) -> Bool {
    c == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(c | 0x20)
  }

  private static func isDigit(_ c: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(c) }
}

/// A named switch that a BPF author defined: `DEFINE_STATIC_KEY_TRUE(name)` or `DEFINE_STATIC_KEY_FALSE(name)`.
public struct StaticKey: Hashable, Sendable {
  /// Its name in C.
  public let name: KeyName
  /// The value that the author gave it: TRUE is enabled.
  public let defaultValue: Bool

  /// A key with the value that its definition gives.
  public init(name: KeyName, defaultValue: Bool) {
    self.name = name
    self.defaultValue = defaultValue
  }
}
