// SPDX-License-Identifier: Apache-2.0

/// An instruction of a program **as loaded**: 8-byte slots from the start of the program.
///
/// This is the unit of `bpf_func_info.insn_off`, `bpf_line_info.insn_off` and the proposed patch command.
public struct InsnOffset: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Slots of 8 bytes from the start of the program.
  public let rawValue: UInt32

  /// The slot with this number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The same place as an array index.
  public var index: Int { Int(rawValue) }

  public var description: String { String(rawValue) }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// An instruction counted from the start of **its function**: 8-byte slots, the unit of the BTF tags.
///
/// It stays true when libbpf appends the function to a program or the static linker moves it.
public struct FunctionOffset: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Slots of 8 bytes from the start of the function.
  public let rawValue: UInt32

  /// The slot with this number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  public var description: String { String(rawValue) }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// Where this instruction is in a program in which the function starts at `start`; nil if that overflows.
  public func inProgram(functionStart start: InsnOffset) -> InsnOffset? {
    let (sum, overflow) = start.rawValue.addingReportingOverflow(rawValue)
    return overflow ? nil : InsnOffset(sum)
  }
}

/// A place in an ELF section, in bytes.
public struct ByteOffset: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Bytes from the start of the section.
  public let rawValue: UInt64

  /// The byte with this number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  public var description: String { "0x" + String(rawValue, radix: 16) }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// The slot of this byte counted from `functionStart`.
  ///
  /// nil if the byte lies before the function, between two slots, or too far away for 32 bits.
  public func slot(inFunctionAt functionStart: ByteOffset) -> FunctionOffset? {
    guard rawValue >= functionStart.rawValue else { return nil }
    let distance = rawValue - functionStart.rawValue
    guard distance % UInt64(Instruction.size) == 0 else { return nil }
    return UInt32(exactly: distance / UInt64(Instruction.size)).map(FunctionOffset.init)
  }
}

/// The 16-bit `off` of a jump: instructions between the one after the jump and its target.
public struct JumpOffset: Hashable, Sendable {
  /// What `bpf_insn.off` holds.
  public let rawValue: Int16

  /// The offset that leads forward from `insn` to `target`; nil if that is backward or beyond 16 bits.
  public init?(from insn: UInt32, to target: UInt32) {
    let distance = Int64(target) - Int64(insn) - 1
    guard distance >= 0, let off = Int16(exactly: distance) else { return nil }
    rawValue = off
  }
}
