// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

/// A program of two functions with a map, a variable in a map, and three sites of two keys:
///
///      0: r1 = map[0] ll           main
///      2: r0 = 0
///      3: if r0 != 0 goto +4 <8>   off, unlikely, FALSE
///      4: r0 = 0
///      5: if r0 != 0 goto +3 <9>   on, likely, TRUE
///      6: r2 = map[1][0]+8 ll
///      8: exit
///      9: exit
///     10: r0 = 0                   sub
///     11: if r0 == 0 goto +0 <12>  on, unlikely, TRUE
///     12: exit
enum TemplateFixtures {
  static let off = name("off")
  static let on = name("on")

  static let instructions: [Instruction] = [
    Instruction(opcode: 0x18, dst: 1, src: 1, imm: 0), Instruction(opcode: 0),
    Instruction(opcode: 0xb7), Instruction(opcode: 0x55, off: 4),
    Instruction(opcode: 0xb7), Instruction(opcode: 0x55, off: 3),
    Instruction(opcode: 0x18, dst: 2, src: 2, imm: 1), Instruction(opcode: 0, imm: 8),
    Instruction(opcode: 0x95), Instruction(opcode: 0x95),
    Instruction(opcode: 0xb7), Instruction(opcode: 0x15, off: 0),
    Instruction(opcode: 0x95),
  ]

  static let sites: [BranchSite] = [
    site(off, 3, 8, .unlikely, false, function: "main", start: 0),
    site(on, 5, 9, .likely, true, function: "main", start: 0),
    site(on, 1, 2, .unlikely, true, function: "sub", start: 10),
  ]

  static var template: ProgramTemplate {
    ProgramTemplate(
      name: "a_program_with_a_long_name", type: 6, expectedAttachType: 37, flags: 0x20, kernelVersion: 0x060c00,
      attachBTFID: 7, license: "GPL", instructions: instructions,
      functionInfo: .init(size: 8, bytes: words([0, 21, 10, 22])),
      lineInfo: .init(size: 16, bytes: words([0, 1, 5, 12 << 10 | 3, 4, 1, 9, 14 << 10, 10, 2, 13, 3 << 10])),
      mapSlots: 2, sites: sites)
  }

  static var instance: ProgramInstance {
    ProgramInstance(collection: "c", mapIDs: [41, 42], values: [off: false, on: true])
  }

  /// 32-bit numbers as the kernel's records hold them.
  static func words(_ numbers: [UInt32]) -> [UInt8] { numbers.flatMap { withUnsafeBytes(of: $0) { Array($0) } } }

  static func name(_ text: String) -> KeyName {
    guard let name = KeyName(text) else { preconditionFailure("no key's name: \(text)") }
    return name
  }

  static func site(
    _ key: KeyName, _ insn: UInt32, _ target: UInt32, _ layout: BranchLayout, _ value: Bool, function: String,
    start: UInt32
  ) -> BranchSite {
    guard
      let branch = StaticBranch(
        key: key, insn: FunctionOffset(insn), target: FunctionOffset(target), layout: layout, defaultValue: value),
      let site = BranchSite(branch: branch, function: function, functionStart: InsnOffset(start))
    else { preconditionFailure("no site") }
    return site
  }
}
