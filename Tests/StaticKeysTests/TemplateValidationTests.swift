// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct TemplateValidationTests {
  private func refusal(_ change: (inout ProgramTemplate) -> Void) -> StaticKeysError? {
    var template = TemplateFixtures.template
    change(&template)
    return #expect(throws: StaticKeysError.self) { try template.validate() }
  }

  @Test func fits() throws { try TemplateFixtures.template.validate() }

  @Test func noInstructions() {
    #expect(refusal { $0.instructions = [] }?.message == "has no instructions")
  }

  @Test(arguments: [1, 7, 9]) func recordsCutOff(count: Int) {
    let bytes = [UInt8](repeating: 0, count: count)
    #expect(refusal { $0.functionInfo.bytes = bytes }?.message == "its function records are cut off")
    #expect(refusal { $0.lineInfo.bytes = bytes }?.message == "its line records are cut off")
    #expect(refusal { $0.lineInfo = .init(size: 0, bytes: bytes) }?.message == "its line records are cut off")
  }

  @Test(arguments: [2, -1, Int32.max, Int32.min]) func mapSlot(slot: Int32) {
    let error = refusal { $0.instructions[6].imm = slot }
    #expect(error?.message == "insn 6 refers to map \(slot) of 2")
    #expect(error?.place.program == "a_program_with_a_long_name")
  }

  @Test func halfInstructionAtTheEnd() {
    let error = refusal { $0.instructions.append(Instruction(opcode: 0x18, src: 1)) }
    #expect(error?.message == "ends in the middle of a 16-byte instruction")
  }

  @Test func siteBeyondTheEnd() {
    let error = refusal {
      $0.sites[2] = TemplateFixtures.site(TemplateFixtures.on, 1, 3, .unlikely, true, function: "sub", start: 10)
    }
    #expect(error?.message == "the site lies beyond the program's end")
    #expect(error?.place.function == "sub" && error?.place.key == "on")
  }

  @Test("a site whose instructions are no pair", arguments: [(3, UInt8(0x56)), (3, 0x95), (2, 0xbf), (2, 0xb4)])
  func noPair(index: Int, opcode: UInt8) {
    #expect(refusal { $0.instructions[index].opcode = opcode }?.code == .badSite)
  }

  @Test func otherTarget() {
    #expect(refusal { $0.instructions[3].off = 5 }?.message == "the branch goes to 9, not to 8")
  }

  @Test func order() {
    #expect(refusal { $0.sites.swapAt(0, 1) }?.message == "its sites are not in order of their place")
    #expect(refusal { $0.sites.insert($0.sites[0], at: 0) }?.message == "its sites are not in order of their place")
  }

  @Test("the zero that decides a branch is nobody's constant") func constantInASite() throws {
    let zero = StaticImmediate(
      name: TemplateFixtures.name("zero"), insn: FunctionOffset(2), size: 4, isSigned: false, defaultValue: 0)
    let site = try #require(
      zero.flatMap { ImmediateSite(immediate: $0, function: "main", functionStart: InsnOffset(0)) })
    let error = refusal { $0.immediates = [site] }
    #expect(error?.code == .badSite && error?.message == "the constant's instruction is that of a static branch")
    #expect(error?.place.key == "zero")
  }

  @Test func twoDefaults() {
    let error = refusal {
      $0.sites[1] = TemplateFixtures.site(TemplateFixtures.off, 5, 9, .likely, true, function: "main", start: 0)
    }
    #expect(error?.message == "a key has two default values")
  }
}
