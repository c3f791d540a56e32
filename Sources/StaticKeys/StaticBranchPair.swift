// SPDX-License-Identifier: Apache-2.0

/// The two instructions of a site as a stock kernel takes them: `r0 = 0`, then `if r0 ==/!= 0 goto out of line`.
///
/// `!=` never jumps and is the nop; `==` always jumps.
public struct StaticBranchPair: Hashable, Sendable {
  /// Where the branch is, the second of the two, counted from the start of the instructions given.
  public let branchIndex: Int
  /// Where the out-of-line region starts, counted alike.
  public let targetIndex: Int
  /// What the branch does.
  public let state: BranchState

  /// Recognises the pair whose second instruction is at `branchAt`, counted from the first of `instructions`.
  ///
  /// `instructions` are those of the one function that holds the branch: its target has to be among them. The time
  /// taken does not depend on their number. Throws `.badSite`, placed at the branch, if anything is not as it should be.
  public init(
    in instructions: some RandomAccessCollection<Instruction>, branchAt: Int
  ) throws(StaticKeysError) {
    let place = Place(insn: UInt32(exactly: branchAt).map(FunctionOffset.init))
    guard branchAt >= 0, branchAt < instructions.count else {
      throw StaticKeysError(.badSite, "the branch lies outside its function of \(instructions.count) insns", at: place)
    }
    func insn(_ offset: Int) -> Instruction {
      instructions[instructions.index(instructions.startIndex, offsetBy: offset)]
    }
    // The second slot of a valid ld_imm64 has opcode 0, so the slot before tells without walking from the start.
    func isSecondHalf(_ offset: Int) -> Bool { offset > 0 && insn(offset - 1).opcode == Instruction.Opcode.loadImm64 }

    guard !isSecondHalf(branchAt) else {
      throw StaticKeysError(.badSite, "the branch lies in the second half of a 16-byte instruction", at: place)
    }
    let branch = insn(branchAt)
    guard let state = Self.state(of: branch) else {
      throw StaticKeysError(
        .badSite,
        "the instruction is not \"if r0 == 0 goto\" or \"if r0 != 0 goto\" (opcode \(branch.opcode), "
          + "registers \(branch.dst) and \(branch.src), imm \(branch.imm))",
        at: place,
        advice: "use static_branch_likely() or static_branch_unlikely() of static_key.bpf.h")
    }
    guard branchAt > 0, Self.isZeroingR0(insn(branchAt - 1)), !isSecondHalf(branchAt - 1) else {
      throw StaticKeysError(
        .badSite, "the instruction before the branch is not \"r0 = 0\"", at: place,
        advice: "use static_branch_likely() or static_branch_unlikely() of static_key.bpf.h")
    }
    guard branch.off >= 0 else {
      // Older compilers let a target beyond 16 bits wrap around without a word.
      throw StaticKeysError(
        .badSite, "the branch goes \(-Int(branch.off)) insns backward", at: place,
        advice: "the out-of-line code must lie ahead, at most \(Int16.max) insns away: make the function smaller")
    }
    let target = branchAt + 1 + Int(branch.off)
    guard target < instructions.count else {
      throw StaticKeysError(
        .badSite, "the target, insn \(target), lies outside the function of \(instructions.count) insns", at: place)
    }
    guard !isSecondHalf(target) else {
      throw StaticKeysError(
        .badSite, "the target, insn \(target), is the second half of a 16-byte instruction", at: place)
    }
    branchIndex = branchAt
    targetIndex = target
    self.state = state
  }

  private static func state(of insn: Instruction) -> BranchState? {
    guard insn.dst == 0, insn.src == 0, insn.imm == 0 else { return nil }
    switch insn.opcode {
    case Instruction.Opcode.jumpIfNotEqual: return .nop
    case Instruction.Opcode.jumpIfEqual: return .jump
    default: return nil
    }
  }

  private static func isZeroingR0(_ insn: Instruction) -> Bool {
    insn == Instruction(opcode: Instruction.Opcode.move64Immediate)
  }
}
