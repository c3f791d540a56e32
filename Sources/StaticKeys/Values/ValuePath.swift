// SPDX-License-Identifier: Apache-2.0

/// The way from a variable to a part of it, as C writes it: ".rate[2]".
public struct ValuePath: Hashable, Sendable, CustomStringConvertible {
  /// One step into a struct or array.
  public enum Step: Hashable, Sendable {
    /// The member of this name.
    case member(String)
    /// The element of this number, from 0.
    case element(Int)
  }

  /// The steps, outermost first; none is the whole variable.
  public let steps: [Step]

  /// The whole variable.
  public static let whole = ValuePath(steps: [])

  private init(steps: [Step]) { self.steps = steps }

  /// The path in a text such as ".rate[2]" or "[0].x"; nil if it is none.
  public init?(_ text: some StringProtocol) {
    var steps: [Step] = []
    var rest = Substring(text)
    while let first = rest.first {
      rest = rest.dropFirst()
      if first == "." {
        let name = rest.prefix { $0 != "." && $0 != "[" }
        guard KeyName(name) != nil else { return nil }
        steps.append(.member(String(name)))
        rest = rest.dropFirst(name.count)
      } else {
        let digits = rest.prefix { $0 != "]" }
        guard first == "[", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = Int(digits),
          rest.count > digits.count
        else { return nil }
        steps.append(.element(index))
        rest = rest.dropFirst(digits.count + 1)
      }
    }
    self.steps = steps
  }

  public var description: String {
    steps.map { step in
      switch step {
      case .member(let name): ".\(name)"
      case .element(let index): "[\(index)]"
      }
    }.joined()
  }
}

/// A variable or a part of one: what type it has and which of the variable's bits it is.
public struct ValueLocation: Sendable {
  /// Its C expression: "limits.rate[2]".
  public let expression: String
  /// Its type.
  public let type: ValueType
  /// In bits from the start of the variable.
  public let bitOffset: Int
  /// How many bits a bitfield has; nil for anything else.
  public let bitWidth: Int?

  /// A whole variable.
  public init(whole type: ValueType, named name: String) {
    self.init(expression: name, type: type, bitOffset: 0, bitWidth: nil)
  }

  init(expression: String, type: ValueType, bitOffset: Int, bitWidth: Int?) {
    self.expression = expression
    self.type = type
    self.bitOffset = bitOffset
    self.bitWidth = bitWidth
  }

  /// How C would declare it: "__u16 limits.rate[2]".
  public var declaration: String { type.declaration(of: expression) + (bitWidth.map { ":\($0)" } ?? "") }

  /// The variable's bytes that it lies in.
  public var byteRange: Range<Int> {
    let bits = bitWidth ?? type.size * 8
    return bitOffset / 8..<(bitOffset + bits + 7) / 8
  }

  /// The part that a path leads to from here.
  ///
  /// - Throws: `.notFound` for a member or element that does not exist.
  public func part(_ path: ValuePath) throws(StaticKeysError) -> ValueLocation {
    var here = self
    for step in path.steps {
      switch step {
      case .member(let name): here = try here.member(name)
      case .element(let index): here = try here.element(index)
      }
    }
    return here
  }

  /// A member of this struct or union.
  func member(_ name: String) throws(StaticKeysError) -> ValueLocation {
    guard case .structure = type.shape else {
      throw StaticKeysError(.notFound, "\(declaration) has no members, so no '\(name)'")
    }
    let members = type.namedMembers
    guard let member = members.first(where: { $0.name == name }) else {
      let names = members.map(\.name)
      let near = names.filter { EditDistance.isNear($0, name) }
      throw StaticKeysError(
        .notFound, "\(declaration) has no member '\(name)'",
        advice: names.isEmpty
          ? nil
          : near.isEmpty ? "it has \(names.joined(separator: ", "))" : "did you mean \(near.joined(separator: " or "))?"
      )
    }
    return ValueLocation(
      expression: "\(expression).\(name)", type: member.type, bitOffset: bitOffset + member.bitOffset,
      bitWidth: member.bitWidth)
  }

  /// An element of this array.
  func element(_ index: Int) throws(StaticKeysError) -> ValueLocation {
    guard case .array(let element, let count) = type.shape else {
      throw StaticKeysError(.notFound, "\(declaration) is no array, so it has no element \(index)")
    }
    guard (0..<count).contains(index) else {
      throw StaticKeysError(
        .notFound, "\(declaration) has no element \(index)",
        advice: count == 0 ? "it has none" : "its elements are 0 to \(count - 1)")
    }
    return ValueLocation(
      expression: "\(expression)[\(index)]", type: element, bitOffset: bitOffset + index * element.size * 8,
      bitWidth: nil)
  }
}

extension ValueLocation {
  /// So many bytes in which these bits are 1.
  public static func mask(of bits: Range<Int>, in count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    for bit in bits { _ = ValueBits.write(1, to: &bytes, at: bit, count: 1) }
    return bytes
  }
}
