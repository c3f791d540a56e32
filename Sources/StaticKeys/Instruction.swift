// SPDX-License-Identifier: Apache-2.0

/// One 8-byte slot of a BPF program (`struct bpf_insn`, include/uapi/linux/bpf.h).
///
/// A 16-byte instruction (`ld_imm64`) takes two slots; the second has opcode 0 and carries the upper 32 bits.
public struct Instruction: Hashable, Sendable {
  /// The size of a slot in bytes.
  public static let size = 8

  /// `bpf_insn.code`: class, operation and source or size and mode bits.
  public var opcode: UInt8
  /// `bpf_insn.dst_reg`, 0 to 15 as encoded (a program uses 0 to 10).
  public var dst: UInt8
  /// `bpf_insn.src_reg`, 0 to 15 as encoded; in some instructions a flavour rather than a register.
  public var src: UInt8
  /// `bpf_insn.off`.
  public var off: Int16
  /// `bpf_insn.imm`.
  public var imm: Int32

  /// An instruction from its fields; only the low four bits of `dst` and `src` are kept.
  public init(opcode: UInt8, dst: UInt8 = 0, src: UInt8 = 0, off: Int16 = 0, imm: Int32 = 0) {
    self.opcode = opcode
    self.dst = dst & 0x0f
    self.src = src & 0x0f
    self.off = off
    self.imm = imm
  }

  /// The opcodes that the project itself reads or writes.
  public enum Opcode {
    /// `BPF_LD | BPF_DW | BPF_IMM`, the first slot of a 16-byte instruction.
    public static let loadImm64: UInt8 = 0x18
    /// `BPF_JMP | BPF_JA`.
    public static let jumpAlways: UInt8 = 0x05
    /// `BPF_JMP | BPF_JEQ | BPF_K`.
    public static let jumpIfEqual: UInt8 = 0x15
    /// `BPF_JMP | BPF_JNE | BPF_K`.
    public static let jumpIfNotEqual: UInt8 = 0x55
    /// `BPF_JMP | BPF_CALL`.
    public static let call: UInt8 = 0x85
    /// `BPF_JMP | BPF_EXIT`.
    public static let exit: UInt8 = 0x95
    /// `BPF_ALU64 | BPF_MOV | BPF_K`.
    public static let move64Immediate: UInt8 = 0xb7
  }

  /// What `src_reg` of a `ld_imm64` or call says the immediate stands for (`BPF_PSEUDO_*`).
  public enum Pseudo {
    /// ld_imm64: a map, by fd.
    public static let mapFD: UInt8 = 1
    /// ld_imm64: an address in a map's first value, by fd and byte offset.
    public static let mapValue: UInt8 = 2
    /// ld_imm64: a kernel symbol, by BTF id and BTF object fd.
    public static let btfID: UInt8 = 3
    /// ld_imm64: the address of a function of this program.
    public static let function: UInt8 = 4
    /// call: a function of this program.
    public static let call: UInt8 = 1
    /// call: a kernel function, by BTF id and fd_array index.
    public static let kernelFunctionCall: UInt8 = 2
    /// ja: a static branch that is loaded as a jump (proposed, see kernel-patches).
    public static let gotoOrNop: UInt8 = 1
    /// ja: a static branch that is loaded as a nop (proposed, see kernel-patches).
    public static let nopOrGoto: UInt8 = 3
  }
}
