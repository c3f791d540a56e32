// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct ImmediateTests {
  private func immediate(_ name: String, _ insn: UInt32, _ size: Int, signed: Bool = false, _ value: UInt64 = 0) throws
    -> StaticImmediate
  {
    try #require(
      StaticImmediate(
        name: TemplateFixtures.name(name), insn: FunctionOffset(insn), size: size, isSigned: signed,
        defaultValue: value))
  }

  private func site(_ immediate: StaticImmediate, start: UInt32 = 0) throws -> ImmediateSite {
    try #require(ImmediateSite(immediate: immediate, function: "main", functionStart: InsnOffset(start)))
  }

  /// r1 = 7; r2 = 9 ll; exit, with a constant in each.
  private func template() throws -> ProgramTemplate {
    var template = TemplateFixtures.template
    template.instructions = [
      Instruction(opcode: 0xb7, dst: 1, imm: 7), Instruction(opcode: 0x18, dst: 2, imm: 9), Instruction(opcode: 0),
      Instruction(opcode: 0x95),
    ]
    template.mapSlots = 0
    template.sites = []
    template.immediates = [try site(immediate("small", 0, 4, 7)), try site(immediate("wide", 1, 8, 9))]
    return template
  }

  private func instance(_ values: ImmediateValues) -> ProgramInstance {
    ProgramInstance(collection: "c", mapIDs: [], values: [:], immediates: values)
  }

  private let small = TemplateFixtures.name("small")
  private let wide = TemplateFixtures.name("wide")

  @Test(
    "a tag says all there is, and only what is written is read",
    arguments: [
      ("static_const name=mark insn=4 size=4 unsigned default=42", UInt64(42)),
      ("static_const name=a insn=0 size=1 signed default=-5", 0xfb),
      ("static_const name=a insn=0 size=2 signed default=-32768", 0x8000),
      ("static_const name=a insn=0 size=8 signed default=-1", .max),
      ("static_const name=a insn=0 size=8 unsigned default=18446744073709551615", .max),
    ])
  func tags(text: String, bits: UInt64) throws {
    let read = try #require(StaticImmediate(tag: text))
    #expect(read.defaultValue == bits)
    #expect(read.tag == text)
  }

  @Test(arguments: [
    "", "static_const", "static_const name=a insn=0 size=3 unsigned default=1",
    "static_const name=a insn=0 size=1 unsigned default=256", "static_const name=a insn=0 size=1 signed default=128",
    "static_const name=a insn=0 size=1 unsigned default=-1", "static_const name=a insn=+1 size=1 unsigned default=1",
    "static_const name=a insn=1 size=1 unsigned default=01", "static_const name=a insn=1 size=1 odd default=1",
    "static_const name=1a insn=1 size=1 signed default=1", "static_const  name=a insn=1 size=1 signed default=1",
    "static_const name=a insn=1 size=1 signed default=1 ", "static_const insn=1 name=a size=1 signed default=1",
    "static_const name=a insn=1 size=0 signed default=1", "static_const name=a insn=1 size=-8 signed default=1",
  ])
  func noTags(text: String) { #expect(StaticImmediate(tag: text) == nil) }

  @Test(
    "a value goes into the immediate as its type extends it",
    arguments: [
      (1, false, UInt64(200), Int32(200)), (1, true, 0xfb, -5), (2, false, 0xffff, 65535), (2, true, 0x8000, -32768),
      (4, false, 0xdead_beef, Int32(bitPattern: 0xdead_beef)), (4, true, 0xffff_ffff, -1),
    ])
  func extends(size: Int, signed: Bool, bits: UInt64, imm: Int32) throws {
    var template = try template()
    template.immediates = [try site(immediate("small", 0, size, signed: signed))]
    let insns = try template.instructions(for: instance([small: bits]), mapFDs: [])
    #expect(insns[0].imm == imm)
    #expect(try ImmediateInstruction.value(in: insns, at: 0, size: size) == bits)
  }

  @Test("8 bytes take both halves of a ld_imm64, and nothing else changes")
  func wideValue() throws {
    let template = try template()
    let insns = try template.instructions(for: instance([small: 1, wide: 0x1122_3344_5566_7788]), mapFDs: [])
    #expect(insns[1].imm == 0x5566_7788 && insns[2].imm == 0x1122_3344)
    #expect(insns[0].imm == 1 && insns[3] == template.instructions[3])
    #expect(try ImmediateInstruction.value(in: insns, at: 1, size: 8) == 0x1122_3344_5566_7788)
  }

  @Test("a constant without a value, or one that its size cannot hold, is refused")
  func missing() throws {
    let template = try template()
    #expect(throws: StaticKeysError.self) { try template.instructions(for: instance([small: 1]), mapFDs: []) }
    #expect(throws: StaticKeysError.self) {
      try template.instructions(for: instance([small: 1 << 32, wide: 0]), mapFDs: [])
    }
  }

  @Test("template and instance keep places and values over their bytes")
  func coding() throws {
    let template = try template()
    #expect(try ProgramTemplate(decoding: template.encoded()) == template)
    let instance = instance([small: 3, wide: .max])
    #expect(try ProgramInstance(decoding: instance.encoded(), for: template) == instance)
    let misfits: [ImmediateValues] = [
      [small: 3], [small: 1 << 32, wide: 0], [small: 1, wide: 1, TemplateFixtures.off: 1],
    ]
    for values in misfits {
      let bytes = self.instance(values).encoded()
      let error = #expect(throws: StaticKeysError.self) { try ProgramInstance(decoding: bytes, for: template) }
      #expect(error?.code == .corruptedTemplate)
    }
  }

  private func refusal(_ change: (inout ProgramTemplate) throws -> Void) throws -> StaticKeysError {
    var template = try template()
    try change(&template)
    let changed = template
    return try #require(throws: StaticKeysError.self) { try changed.validate() }
  }

  @Test("a template whose places hold no constants is refused")
  func validation() throws {
    for opcode: UInt8 in [0xb4, 0xbf, 0x18, 0x95] {
      #expect(try refusal { $0.instructions[0].opcode = opcode }.code == .badSite)
    }
    #expect(try refusal { $0.instructions[0].src = 1 }.code == .badSite)
    #expect(try refusal { $0.instructions[1].src = 4 }.code == .badSite)
    #expect(try refusal { $0.immediates[1] = try site(immediate("wide", 2, 4)) }.code == .badSite)
    #expect(try refusal { $0.immediates[1] = try site(immediate("wide", 3, 8)) }.code == .badSite)
    #expect(try refusal { $0.immediates[1] = try site(immediate("wide", 9, 4)) }.code == .badSite)
    #expect(try refusal { $0.immediates.swapAt(0, 1) }.code == .corruptedTemplate)
    #expect(try refusal { $0.immediates[1] = try site(immediate("small", 1, 8, 9)) }.code == .corruptedTemplate)
  }

  @Test("a plan with another constant or another map needs a reload; one without either does not")
  func plans() throws {
    let template = try template()
    let before = instance([small: 7, wide: 9])
    func plan(_ immediates: ImmediateValues, _ maps: [UInt32: UInt32] = [:]) -> ProgramPlan {
      ProgramPlan(
        programID: 1, template: template, instance: before, states: [:], wanted: [:], immediates: immediates,
        maps: maps)
    }
    #expect(plan([small: 8]).needsReload && plan([small: 8]).after.immediates == [small: 8, wide: 9])
    #expect(plan([small: 7]).changesNothing && plan([TemplateFixtures.off: 1]).changesNothing)
    let mapped = ProgramPlan(
      programID: 1, template: TemplateFixtures.template, instance: TemplateFixtures.instance, states: [:], wanted: [:],
      maps: [42: 50, 1: 2])
    #expect(mapped.needsReload && mapped.after.mapIDs == [41, 50])
  }
}
