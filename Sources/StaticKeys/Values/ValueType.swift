// SPDX-License-Identifier: Apache-2.0

/// The type of a C variable, as far as its bytes can be shown and set.
public struct ValueType: Sendable {
  /// As C writes it: "__u32", "struct limits", "char". An array has its element's name.
  public let name: String
  /// In bytes.
  public let size: Int
  /// What the bytes mean.
  public let shape: Shape

  /// The kinds of types.
  public indirect enum Shape: Sendable {
    /// A whole number of 1 to 16 bytes.
    case integer(isSigned: Bool)
    /// C's plain `char`, which alone or in an array is text.
    case character
    /// C's `bool`.
    case boolean
    /// A number with names.
    case enumeration(isSigned: Bool, [Enumerator])
    /// So many elements of one type.
    case array(of: ValueType, count: Int)
    /// A struct, or a union, whose members lie over each other.
    case structure([Member])
    /// An address; shown in hex, never set.
    case pointer
    /// A floating-point number; shown, never set.
    case floating
    /// What BTF does not describe, or not within reason; shown as bytes, never set.
    case opaque
  }

  /// A name for a number.
  public struct Enumerator: Hashable, Sendable {
    /// In C.
    public let name: String
    /// Its number, sign-extended to 64 bits where the enum is signed.
    public let bits: UInt64

    /// A name for a number.
    public init(name: String, bits: UInt64) {
      self.name = name
      self.bits = bits
    }
  }

  /// A part of a struct or union.
  public struct Member: Sendable {
    /// In C; empty for an anonymous struct or union, whose members count as the outer one's.
    public let name: String
    /// Its type.
    public let type: ValueType
    /// Where it starts, in bits from the start of the struct.
    public let bitOffset: Int
    /// How many bits a bitfield has; nil for any other member.
    public let bitWidth: Int?

    /// A member at its place.
    public init(name: String, type: ValueType, bitOffset: Int, bitWidth: Int? = nil) {
      self.name = name
      self.type = type
      self.bitOffset = bitOffset
      self.bitWidth = bitWidth
    }
  }

  /// A type from its parts.
  public init(name: String, size: Int, shape: Shape) {
    self.name = name
    self.size = size
    self.shape = shape
  }
}

extension ValueType {
  /// What C calls an array of such elements, as in a cast: "__u8[4]".
  public var description: String { declaration(of: "") }

  /// How C declares a variable of this type: "__u8 foo[4]", "struct limits limits".
  public func declaration(of variable: String) -> String {
    var dimensions = ""
    var element = self
    while case .array(let inner, let count) = element.shape {
      dimensions += "[\(count)]"
      element = inner
    }
    let space = variable.isEmpty || element.name.hasSuffix("*") ? "" : " "
    return element.name + space + variable + dimensions
  }

  /// Whether it is one number, and no array or struct.
  public var isScalar: Bool {
    switch shape {
    case .array, .structure, .opaque: false
    default: true
    }
  }

  /// Whether it is a number with a sign.
  public var isSigned: Bool {
    switch shape {
    case .integer(let isSigned), .enumeration(let isSigned, _): isSigned
    case .character: true
    default: false
    }
  }

  /// Whether it is C's `bool`, which is a switch as a static key is.
  public var isBoolean: Bool { if case .boolean = shape { true } else { false } }

  /// The members that a path may name: those of anonymous members too, at their place in this one.
  public var namedMembers: [Member] {
    var found: [Member] = []
    var visits = Self.mostMembers
    collectMembers(into: &found, visits: &visits, bitOffset: 0, depth: 0)
    return found
  }

  /// More than any type has that somebody wrote; types may come from bytes that nobody vouches for.
  private static let mostMembers = 1 << 16

  /// - Parameter visits: how many members may still be looked at, those without a name too.
  private func collectMembers(into found: inout [Member], visits: inout Int, bitOffset: Int, depth: Int) {
    guard case .structure(let members) = shape, depth < 16 else { return }
    for member in members {
      guard visits > 0 else { return }
      visits -= 1
      let offset = bitOffset + member.bitOffset
      if member.name.isEmpty {
        member.type.collectMembers(into: &found, visits: &visits, bitOffset: offset, depth: depth + 1)
      } else {
        found.append(Member(name: member.name, type: member.type, bitOffset: offset, bitWidth: member.bitWidth))
      }
    }
  }
}
