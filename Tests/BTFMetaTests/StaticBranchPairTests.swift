// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite("The pair of a static branch")
struct StaticBranchPairTests {
  private static let zero = Instruction(opcode: Instruction.Opcode.move64Immediate)
  private static let exit = Instruction(opcode: Instruction.Opcode.exit)
  private static let nop = Instruction(opcode: Instruction.Opcode.jumpIfNotEqual, off: 1)
  private static let jump = Instruction(opcode: Instruction.Opcode.jumpIfEqual, off: 1)
  private static let long = [Instruction(opcode: Instruction.Opcode.loadImm64, dst: 1), Instruction(opcode: 0)]

  @Test func bothStates() throws {
    let nop = try StaticBranchPair(in: [Self.zero, Self.nop, Self.exit, Self.exit], branchAt: 1)
    #expect(nop.state == .nop && nop.branchIndex == 1 && nop.targetIndex == 3)
    let jump = try StaticBranchPair(in: [Self.exit, Self.zero, Self.jump, Self.exit, Self.exit], branchAt: 2)
    #expect(jump.state == .jump && jump.branchIndex == 2 && jump.targetIndex == 4)
  }

  @Test func countsFromTheStartOfASlice() throws {
    let program = [Self.exit, Self.exit, Self.zero, Self.nop, Self.exit, Self.exit]
    let pair = try StaticBranchPair(in: program[2...], branchAt: 1)
    #expect(pair.targetIndex == 3)
  }

  @Test func amongLongInstructions() throws {
    let pair = try StaticBranchPair(in: Self.long + [Self.zero, Self.nop, Self.exit] + Self.long, branchAt: 3)
    #expect(pair.targetIndex == 5)
  }

  @Test("Every other encoding of the branch is refused")
  func otherBranches() {
    for opcode in UInt8.min ... .max {
      let isBranch = opcode == Self.nop.opcode || opcode == Self.jump.opcode
      for (dst, src, imm): (UInt8, UInt8, Int32) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, .min)] {
        let branch = Instruction(opcode: opcode, dst: dst, src: src, off: 1, imm: imm)
        let pair = try? StaticBranchPair(in: [Self.zero, branch, Self.exit, Self.exit], branchAt: 1)
        #expect((pair != nil) == (isBranch && dst == 0 && src == 0 && imm == 0))
      }
    }
  }

  @Test("Every other instruction before the branch is refused")
  func otherZeroing() {
    for opcode in UInt8.min ... .max {
      for (dst, src, off, imm): (UInt8, UInt8, Int16, Int32) in [
        (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1),
      ] {
        let zero = Instruction(opcode: opcode, dst: dst, src: src, off: off, imm: imm)
        let pair = try? StaticBranchPair(in: [zero, Self.nop, Self.exit, Self.exit], branchAt: 1)
        #expect((pair != nil) == (zero == Self.zero))
      }
    }
  }

  @Test("Targets from the next instruction to the last, and no further")
  func targets() throws {
    for off in Int16.min ... .max {
      var branch = Self.nop
      branch.off = off
      let pair = try? StaticBranchPair(in: [Self.zero, branch, Self.exit, Self.exit, Self.exit], branchAt: 1)
      #expect(pair?.targetIndex == ((0...2).contains(off) ? 2 + Int(off) : nil))
    }
  }

  @Test func farthestTarget() throws {
    var branch = Self.nop
    branch.off = .max
    let code = [Self.zero, branch] + Array(repeating: Self.exit, count: Int(Int16.max) + 1)
    #expect(try StaticBranchPair(in: code, branchAt: 1).targetIndex == code.count - 1)
  }

  @Test("A branch that is not among the instructions", arguments: [-1, 4, .min, .max])
  func outside(index: Int) {
    expectFailure(.badSite, "the branch lies outside its function of 4 insns") {
      _ = try StaticBranchPair(in: [Self.zero, Self.nop, Self.exit, Self.exit], branchAt: index)
    }
  }

  @Test func ofNothing() {
    expectFailure(.badSite, "outside its function of 0 insns") { _ = try StaticBranchPair(in: [], branchAt: 0) }
  }

  @Test func inTheSecondHalf() {
    expectFailure(.badSite, "insn 1: the branch lies in the second half of a 16-byte instruction") {
      _ = try StaticBranchPair(in: [Self.long[0], Self.nop, Self.exit, Self.exit], branchAt: 1)
    }
  }

  @Test func zeroingInTheSecondHalf() {
    expectFailure(.badSite, #"insn 2: the instruction before the branch is not "r0 = 0""#) {
      _ = try StaticBranchPair(in: [Self.long[0], Self.zero, Self.nop, Self.exit, Self.exit], branchAt: 2)
    }
  }

  @Test func targetInTheSecondHalf() {
    expectFailure(.badSite, "insn 1: the target, insn 3, is the second half of a 16-byte instruction") {
      _ = try StaticBranchPair(in: [Self.zero, Self.nop] + Self.long + [Self.exit], branchAt: 1)
    }
  }
}
