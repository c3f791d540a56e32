// SPDX-License-Identifier: Apache-2.0

/// Which instructions of a function lead to which, as the verifier's `check_cfg` sees it: both ways of a condition.
struct ControlFlow {
  private let instructions: [Instruction]

  init(_ instructions: [Instruction]) { self.instructions = instructions }

  /// Whether `goal` can be reached from `start` if the branch before it no longer falls through to it.
  ///
  /// An indirect jump leads nowhere that is known, so it never is the reason for a yes.
  func reaches(_ goal: Int, from start: Int) -> Bool {
    var seen = Set([start])
    var pending = [start]
    while let index = pending.popLast() {
      for next in successors(of: index) where !(index == goal - 1 && next == goal) {
        if next == goal { return true }
        if instructions.indices.contains(next), seen.insert(next).inserted { pending.append(next) }
      }
    }
    return false
  }

  private func successors(of index: Int) -> [Int] {
    let insn = instructions[index]
    let next = index + 1
    guard insn.opcode & 7 == 5 || insn.opcode & 7 == 6 else {
      return [insn.opcode == Instruction.Opcode.loadImm64 ? next + 1 : next]
    }
    switch insn.opcode {
    case Instruction.Opcode.jumpAlways: return [next + Int(insn.off)]
    case 0x06: return [next + Int(insn.imm)]
    case 0x0d, Instruction.Opcode.exit: return []
    case Instruction.Opcode.call, 0x8d: return [next]
    default: return [next, next + Int(insn.off)]
    }
  }
}
