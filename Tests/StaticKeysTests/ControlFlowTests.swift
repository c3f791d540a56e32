// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StaticKeys

@Suite struct ControlFlowTests {
  /// Instructions by hand; a number in them is an offset from the next instruction, as in the kernel.
  private enum Line {
    static let move = Instruction(opcode: 0xb7)
    static let exit = Instruction(opcode: 0x95)
    static let call = Instruction(opcode: 0x85, imm: 8)
    static func goto(_ off: Int16) -> Instruction { Instruction(opcode: 0x05, off: off) }
    static func gotol(_ imm: Int32) -> Instruction { Instruction(opcode: 0x06, imm: imm) }
    static func ifNotZero(_ off: Int16) -> Instruction { Instruction(opcode: 0x55, dst: 1, off: off) }
    static let wide = [Instruction(opcode: 0x18), Instruction(opcode: 0)]
  }

  /// The branch at 1 that goes out of line, what falls through, and what is out of line.
  private func site(_ inLine: [Instruction], outOfLine: [Instruction]) -> ControlFlow {
    ControlFlow([Line.move, Line.goto(Int16(inLine.count))] + inLine + outOfLine)
  }

  @Test("the region's jump back keeps the code after the site alive")
  func jumpBack() {
    #expect(site([Line.exit], outOfLine: [Line.move, Line.goto(-3)]).reaches(2, from: 0))
    #expect(site([Line.exit], outOfLine: [Line.move, Line.gotol(-3)]).reaches(2, from: 0))
    #expect(site([Line.exit], outOfLine: [Line.ifNotZero(-2), Line.exit]).reaches(2, from: 0))
  }

  @Test("a region that ends, or jumps past the code after the site, does not")
  func noWay() {
    #expect(!site([Line.exit], outOfLine: [Line.move, Line.exit]).reaches(2, from: 0))
    #expect(!site([Line.move, Line.exit], outOfLine: [Line.goto(-2)]).reaches(2, from: 0))
    #expect(!ControlFlow([Line.move, Line.ifNotZero(1), Line.exit, Line.exit]).reaches(2, from: 0))
  }

  @Test("the condition that is to become the jump counts by its target alone")
  func fallThroughIsNoWay() {
    let branch = [Line.move, Line.ifNotZero(1), Line.exit]
    #expect(!ControlFlow(branch + [Line.exit]).reaches(2, from: 0))
    #expect(ControlFlow(branch + [Line.goto(-2)]).reaches(2, from: 0))
    // Even a jump of no distance is not distinguished from falling through: both are the way that goes.
    #expect(!ControlFlow([Line.move, Line.ifNotZero(0), Line.exit]).reaches(2, from: 0))
  }

  @Test("code that nothing leads to is no way to anywhere, though it stands before")
  func deadCode() {
    let insns = [Line.goto(1), Line.goto(2), Line.goto(1), Line.exit, Line.exit]
    #expect(ControlFlow(insns).reaches(4, from: 0))
    #expect(!ControlFlow([Line.goto(1), Line.goto(1), Line.exit, Line.exit]).reaches(3, from: 0))
    #expect(!ControlFlow([Line.exit, Line.move, Line.move, Line.exit]).reaches(3, from: 0))
  }

  @Test("loops end the search, with the goal in them and without")
  func loops() {
    #expect(!ControlFlow([Line.goto(-1), Line.exit, Line.exit]).reaches(2, from: 0))
    #expect(!ControlFlow([Line.move, Line.ifNotZero(-2), Line.goto(-3), Line.exit]).reaches(3, from: 0))
    // 1: the site in a loop's body; its region goes to the loop's condition at 3, which goes to the head at 0.
    let loop = [
      Line.move, Line.goto(3), Line.move, Line.ifNotZero(-4), Line.exit, Line.goto(-3),
    ]
    #expect(!ControlFlow(loop).reaches(2, from: 0))
    #expect(ControlFlow(loop).reaches(3, from: 0))
  }

  /// `insn`, then a jump to the goal at 3.
  private func goesOn(after insn: Instruction) -> Bool {
    ControlFlow([insn, Line.goto(1), Line.exit, Line.exit]).reaches(3, from: 0)
  }

  @Test("a call goes on after it, an exit and an indirect jump do not")
  func calls() {
    #expect(goesOn(after: Line.call))
    #expect(goesOn(after: Instruction(opcode: 0x85, src: 1, imm: 100)), "a subprogram comes back, wherever it is")
    #expect(goesOn(after: Instruction(opcode: 0x8d, dst: 1)))
    #expect(!goesOn(after: Line.exit))
    #expect(!goesOn(after: Instruction(opcode: 0x0d, dst: 1)))
  }

  @Test("the second slot of a 16-byte instruction is passed over")
  func wide() {
    // Taken for an instruction, the second slot would lead to the goal.
    let disguised = [Line.wide[0], Line.goto(1), Line.exit, Line.move, Line.exit]
    #expect(!ControlFlow(disguised).reaches(4, from: 0))
    #expect(goesOn(after: Line.move) && !ControlFlow(Line.wide + [Line.exit]).reaches(1, from: 0))
    #expect(ControlFlow(Line.wide + [Line.goto(1), Line.exit, Line.exit]).reaches(4, from: 0))
  }

  @Test(
    "conditions of both widths, with registers and may_goto, go both ways",
    arguments: [0x15, 0x1d, 0x56, 0xde, 0xe5] as [UInt8])
  func conditions(opcode: UInt8) {
    let condition = Instruction(opcode: opcode, dst: 1, src: 2, off: 2)
    let insns = [condition, Line.goto(2), Line.exit, Line.goto(1), Line.exit, Line.exit]
    #expect(ControlFlow(insns).reaches(4, from: 0), "falling through, then by the jump at 1")
    #expect(ControlFlow(insns).reaches(5, from: 0), "jumping, then by the jump at 3")
    #expect(!ControlFlow(insns).reaches(2, from: 0))
  }

  @Test("jumps out of the program lead nowhere and trap nothing")
  func outOfRange() {
    let extremes: [Instruction] = [
      Line.goto(.max), Line.goto(.min), Line.gotol(.max), Line.gotol(.min), Line.ifNotZero(.max), Line.ifNotZero(.min),
      Instruction(opcode: 0x18),
    ]
    for extreme in extremes {
      #expect(!ControlFlow([extreme]).reaches(1, from: 0))
      #expect(!ControlFlow([Line.ifNotZero(1), Line.exit, extreme]).reaches(1, from: 0))
    }
  }

  /// The same question, answered by a table of all ways between all instructions.
  private func reachesByTable(_ goal: Int, from start: Int, in insns: [Instruction]) -> Bool {
    let count = insns.count
    var ways = Array(repeating: Array(repeating: false, count: count), count: count)
    func way(_ from: Int, _ to: Int) {
      if insns.indices.contains(to), !(from == goal - 1 && to == goal) { ways[from][to] = true }
    }
    for (index, insn) in insns.enumerated() {
      let target = index + 1 + (insn.opcode == 0x06 ? Int(insn.imm) : Int(insn.off))
      let jumps = [0x05, 0x06, 0x55].contains(insn.opcode)
      if jumps { way(index, target) }
      if ![0x05, 0x06, 0x95].contains(insn.opcode) { way(index, insn.opcode == 0x18 ? index + 2 : index + 1) }
    }
    for middle in 0..<count {
      for from in 0..<count where ways[from][middle] {
        for to in 0..<count where ways[middle][to] { ways[from][to] = true }
      }
    }
    return ways[start][goal]
  }

  @Test("random programs agree with a table of all ways")
  func againstTable() {
    var numbers = LinearCongruential(state: 42)
    let opcodes: [UInt8] = [0xb7, 0x05, 0x06, 0x55, 0x55, 0x55, 0x85, 0x95, 0x18]
    var answers: [Bool: Int] = [:]
    for _ in 0..<10_000 {
      let length = Int.random(in: 2...10, using: &numbers)
      let insns = (0..<length).map { _ in
        let opcode = opcodes.randomElement(using: &numbers) ?? 0xb7
        let off = Int16.random(in: -10...10, using: &numbers)
        return Instruction(opcode: opcode, off: off, imm: Int32(off))
      }
      let goal = Int.random(in: 1..<length, using: &numbers)
      let expected = reachesByTable(goal, from: 0, in: insns)
      #expect(ControlFlow(insns).reaches(goal, from: 0) == expected, "\(goal) in \(insns)")
      answers[expected, default: 0] += 1
    }
    #expect(answers[true, default: 0] > 500 && answers[false, default: 0] > 500)
  }
}

/// Numbers that are the same in every run (Knuth's MMIX constants).
private struct LinearCongruential: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 32
  }
}
