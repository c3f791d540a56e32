// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct TemplateRewritingTests {
  private let template = TemplateFixtures.template

  @Test(
    "sites get the condition of their state, and nothing else but map slots changes",
    arguments: [
      (false, false, [0x55, 0x15, 0x55]), (false, true, [0x55, 0x55, 0x15]),
      (true, false, [0x15, 0x15, 0x55]), (true, true, [0x15, 0x55, 0x15] as [UInt8]),
    ])
  func states(off: Bool, on: Bool, opcodes: [UInt8]) throws {
    let values = [TemplateFixtures.off: off, TemplateFixtures.on: on]
    let insns = try template.instructions(values: values, mapFDs: [70, 80])
    #expect(template.sites.map { insns[$0.insn.index].opcode } == opcodes)
    var expected = template.instructions
    for (site, opcode) in zip(template.sites, opcodes) { expected[site.insn.index].opcode = opcode }
    expected[0].imm = 70
    expected[6].imm = 80
    #expect(insns == expected)
  }

  @Test func wrongInput() {
    let values = template.defaults
    #expect(throws: StaticKeysError.self) { try template.instructions(values: values, mapFDs: [1]) }
    let error = #expect(throws: StaticKeysError.self) {
      try template.instructions(values: [TemplateFixtures.on: true], mapFDs: [1, 2])
    }
    #expect(error?.code == .usage && error?.place.key == "off")
  }

  @Test func keysAndDefaults() {
    #expect(template.keys.map(\.name.rawValue) == ["off", "on"])
    #expect(template.defaults == [TemplateFixtures.off: false, TemplateFixtures.on: true])
  }

  @Test("the second slot of a 16-byte instruction is no instruction, whatever it looks like") func secondSlots() {
    let insns = [Instruction(opcode: 0x18, src: 0), Instruction(opcode: 0x18, src: 1), Instruction(opcode: 0x95)]
    #expect(ProgramTemplate.mapReferences(in: insns) == [])
    #expect(ProgramTemplate.mapReferences(in: template.instructions) == [0, 6])
  }
}

@Suite struct ProgramPlanTests {
  private func plan(_ wanted: KeyValues) -> ProgramPlan {
    let template = TemplateFixtures.template
    let instance = TemplateFixtures.instance
    return ProgramPlan(
      programID: 5, template: template, instance: instance, states: template.states(under: instance.values),
      wanted: wanted)
  }

  @Test func nothingToDo() {
    #expect(plan([:]).changesNothing)
    #expect(plan([TemplateFixtures.off: false, TemplateFixtures.on: true]).changesNothing)
    #expect(plan([TemplateFixtures.name("other"): true]).changesNothing)
  }

  @Test("each change is one 16-bit off, from what is expected to the target's or 0") func offsets() {
    let plan = plan([TemplateFixtures.off: true, TemplateFixtures.on: false])
    #expect(!plan.changesNothing)
    #expect(plan.changes.map(\.site.insn.rawValue) == [3, 5, 11])
    #expect(plan.changes.map(\.from) == [.nop, .nop, .jump])
    #expect(plan.changes.map(\.expectedOff) == [0, 0, 0])
    #expect(plan.changes.map(\.newOff) == [4, 3, 0])
    #expect(plan.after.mapIDs == [41, 42] && plan.after.collection == "c")
    #expect(plan.after.values == [TemplateFixtures.off: true, TemplateFixtures.on: false])
  }

  @Test func onlyTheKeyAskedFor() {
    let plan = plan([TemplateFixtures.off: true, TemplateFixtures.on: true])
    #expect(plan.changes.map(\.site.key) == [TemplateFixtures.off])
  }
}

@Suite struct NativeFormTests {
  @Test("a site becomes one static branch with the target's off; the pair's zero stays") func native() throws {
    let template = TemplateFixtures.template
    let insns = try template.instructions(
      values: [TemplateFixtures.off: true, TemplateFixtures.on: true], mapFDs: [1, 2], form: .native)
    #expect(insns[3] == Instruction(opcode: 0x05, src: 1, off: 4))
    #expect(insns[5] == Instruction(opcode: 0x05, src: 3, off: 3))
    #expect(insns[11] == Instruction(opcode: 0x55, off: 0))
    #expect(insns[2] == Instruction(opcode: 0xb7))
  }

  @Test func formIsKept() throws {
    var instance = TemplateFixtures.instance
    instance.form = .native
    #expect(try ProgramInstance(decoding: instance.encoded(), for: TemplateFixtures.template).form == .native)
  }

  @Test("a plan goes by the states that sites are in, even if one key's sites disagree") func mixedSites() {
    let template = TemplateFixtures.template
    var states = template.states(under: TemplateFixtures.instance.values)
    states[InsnOffset(5)] = .jump
    let plan = ProgramPlan(
      programID: 1, template: template, instance: TemplateFixtures.instance, states: states,
      wanted: [TemplateFixtures.on: true])
    #expect(plan.changes.map(\.site.insn.rawValue) == [5])
    #expect(plan.changes.map(\.expectedOff) == [3] && plan.changes.map(\.newOff) == [0])
  }

  @Test("a site whose two arms are one is no branch; a key that has no other takes a reload", arguments: [true, false])
  func noBranch(alone: Bool) {
    let on = TemplateFixtures.on
    var template = TemplateFixtures.template
    if alone { template.sites.removeAll { $0.key == on && $0.jumpOffset != 0 } }
    var instance = TemplateFixtures.instance
    instance.form = .native
    let states = template.states(under: instance.values)
    let plan = ProgramPlan(programID: 1, template: template, instance: instance, states: states, wanted: [on: false])
    #expect(plan.changes.map(\.site.insn.rawValue) == (alone ? [] : [5]))
    #expect(plan.needsReload == alone && !plan.changesNothing)
    let nothing = ProgramPlan(programID: 1, template: template, instance: instance, states: states, wanted: [on: true])
    #expect(nothing.changesNothing)
  }
}

@Suite struct InstanceCodingTests {
  private func refusal(_ bytes: [UInt8]) -> StaticKeysError? {
    #expect(throws: StaticKeysError.self) { try ProgramInstance(decoding: bytes, for: TemplateFixtures.template) }
  }

  @Test func roundTrip() throws {
    let bytes = TemplateFixtures.instance.encoded()
    #expect(try ProgramInstance(decoding: bytes, for: TemplateFixtures.template) == TemplateFixtures.instance)
    for length in bytes.indices { #expect(refusal(Array(bytes[..<length]))?.code == .corruptedTemplate) }
  }

  @Test("an instance that does not fit the template") func misfits() {
    var instance = TemplateFixtures.instance
    instance.mapIDs.append(43)
    #expect(refusal(instance.encoded())?.message == "the instance does not fit its template")
    instance = TemplateFixtures.instance
    instance.values[TemplateFixtures.name("more")] = true
    #expect(refusal(instance.encoded())?.message == "the instance does not fit its template")
    instance.values = [TemplateFixtures.on: true]
    #expect(refusal(instance.encoded())?.message == "the instance does not fit its template")
  }
}
