// SPDX-License-Identifier: Apache-2.0

/// One place in a function whose immediate is a constant's value (`static_const()`), in the terms of its BTF tag:
///
///     static_const name=mark insn=4 size=4 unsigned default=42
///
/// `insn` counts 8-byte slots from the start of the function.
public struct StaticImmediate: Hashable, Sendable {
  /// The constant.
  public let name: KeyName
  /// The instruction: a move of 32 bits for up to 4 bytes, a `ld_imm64` for 8.
  public let insn: FunctionOffset
  /// The constant's size in bytes: 1, 2, 4 or 8.
  public let size: Int
  /// Whether the constant's C type is signed.
  public let isSigned: Bool
  /// The value in the object.
  public let defaultValue: ImmediateBits

  /// A place; nil if no constant has this size, or if the default does not fit it.
  public init?(name: KeyName, insn: FunctionOffset, size: Int, isSigned: Bool, defaultValue: ImmediateBits) {
    guard [1, 2, 4, 8].contains(size), size == 8 || defaultValue >> (size * 8) == 0 else { return nil }
    self.name = name
    self.insn = insn
    self.size = size
    self.isSigned = isSigned
    self.defaultValue = defaultValue
  }

  /// Whether a value of this many bits has a place here.
  public func takes(_ bits: ImmediateBits) -> Bool { size == 8 || bits >> (size * 8) == 0 }

  /// The immediates of the one or two slots for a value, which are sign-extended as its type is.
  func immediates(for bits: ImmediateBits) -> (low: Int32, high: Int32) {
    if size == 8 { return (Int32(truncatingIfNeeded: bits), Int32(truncatingIfNeeded: bits >> 32)) }
    let unused = UInt64(64 - size * 8)
    let low = isSigned ? Int64(bitPattern: bits << unused) >> Int64(unused) : Int64(bitPattern: bits)
    return (Int32(truncatingIfNeeded: low), 0)
  }
}

/// A constant's value: the low bytes, as many as it has, in two's complement.
public typealias ImmediateBits = UInt64

/// What value each constant of a program has.
public typealias ImmediateValues = [KeyName: ImmediateBits]

extension StaticImmediate {
  /// The word that every such tag starts with; a tag without it is somebody else's.
  public static let tagPrefix = "static_const "

  /// The tag that describes this place.
  public var tag: String {
    "\(Self.tagPrefix)name=\(name) insn=\(insn) size=\(size) \(isSigned ? "signed" : "unsigned") default=\(defaultText)"
  }

  private var defaultText: String {
    let unused = Int64(64 - size * 8)
    return isSigned ? String(Int64(bitPattern: defaultValue << UInt64(unused)) >> unused) : String(defaultValue)
  }

  /// The place that a tag describes; nil if the text is not exactly what `tag` writes.
  public init?(tag: String) {
    let words = tag.split(separator: " ", omittingEmptySubsequences: false)
    func value(_ name: String, _ word: Substring) -> Substring {
      word.hasPrefix(name + "=") ? word.dropFirst(name.utf8.count + 1) : ""
    }
    guard words.count == 6, words[0] == "static_const", let name = KeyName(value("name", words[1])),
      let insn = UInt32(value("insn", words[2])), let size = Int(value("size", words[3])),
      words[4] == "signed" || words[4] == "unsigned", [1, 2, 4, 8].contains(size)
    else { return nil }
    let text = value("default", words[5])
    let mask: UInt64 = size == 8 ? .max : (1 << UInt64(size * 8)) - 1
    let isSigned = words[4] == "signed"
    guard let bits = isSigned ? Int64(text).map({ UInt64(bitPattern: $0) & mask }) : UInt64(text) else { return nil }
    self.init(name: name, insn: FunctionOffset(insn), size: size, isSigned: isSigned, defaultValue: bits)
    // Refuses spellings that are read but never written, such as "+4" or "04".
    guard self.tag == tag else { return nil }
  }
}

/// A constant's place in one program: a copy of a function may hold the same elsewhere.
public struct ImmediateSite: Hashable, Sendable {
  /// The place, as its function knows it.
  public let immediate: StaticImmediate
  /// The function's name in C.
  public let function: String
  /// Where the function starts in the program.
  public let functionStart: InsnOffset
  /// The instruction in the program.
  public let insn: InsnOffset

  /// A place of a function; nil if it would lie beyond the end of any program.
  public init?(immediate: StaticImmediate, function: String, functionStart: InsnOffset) {
    guard let insn = immediate.insn.inProgram(functionStart: functionStart) else { return nil }
    self.immediate = immediate
    self.function = function
    self.functionStart = functionStart
    self.insn = insn
  }

  /// The constant.
  public var name: KeyName { immediate.name }

  /// Where it is, for messages.
  public var place: Place { Place(function: function, insn: immediate.insn, key: name.rawValue) }
}

/// The instruction of a constant's place: `rX = imm`, or `rX = imm ll` for 8 bytes.
public enum ImmediateInstruction {
  /// The value in the instruction at `index` of a function or program.
  ///
  /// - Throws: `.badSite` if there is no such instruction.
  public static func value(
    in instructions: some RandomAccessCollection<Instruction>, at index: Int, size: Int
  ) throws(StaticKeysError) -> ImmediateBits {
    func insn(_ offset: Int) -> Instruction {
      instructions[instructions.index(instructions.startIndex, offsetBy: offset)]
    }
    let place = Place(insn: UInt32(exactly: index).map(FunctionOffset.init))
    let slots = size == 8 ? 2 : 1
    guard index >= 0, index + slots <= instructions.count else {
      throw StaticKeysError(.badSite, "the constant's instruction lies outside its function", at: place)
    }
    let first = insn(index)
    let wanted = size == 8 ? Instruction.Opcode.loadImm64 : Instruction.Opcode.move64Immediate
    guard first.opcode == wanted, first.src == 0, first.off == 0,
      index == 0 || insn(index - 1).opcode != Instruction.Opcode.loadImm64
    else {
      throw StaticKeysError(
        .badSite,
        "the instruction is not \"r = value\(size == 8 ? " ll" : "")\", as a constant of \(size) bytes has it",
        at: place, advice: "use static_const() of static_key.bpf.h")
    }
    let low = UInt64(UInt32(bitPattern: first.imm))
    if size == 8 { return low | UInt64(UInt32(bitPattern: insn(index + 1).imm)) << 32 }
    return size == 4 ? low : low & ((1 << UInt64(size * 8)) - 1)
  }
}

extension StaticImmediate {
  /// The section in which static_key.bpf.h defines constants.
  public static let section = ".static_consts"

  /// The type of a constant of which nothing else is known.
  public var plainType: ValueType {
    ValueType(name: "__\(isSigned ? "s" : "u")\(size * 8)", size: size, shape: .integer(isSigned: isSigned))
  }

  /// A value's bytes as a variable of this machine would have them.
  public func bytes(of bits: ImmediateBits) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    _ = ValueBits.write(UInt128(bits), to: &bytes, at: 0, count: size * 8)
    return bytes
  }

  /// The value in such bytes.
  public func bits(of bytes: [UInt8]) -> ImmediateBits {
    UInt64(truncatingIfNeeded: ValueBits.read(bytes, at: 0, count: size * 8) ?? 0)
  }
}
