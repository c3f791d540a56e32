// SPDX-License-Identifier: Apache-2.0

/// How a template becomes instructions for BPF_PROG_LOAD.
extension ProgramTemplate {
  /// The instructions with every site in the state that `values` asks for and every map slot filled.
  ///
  /// A site keeps its `off`; only the condition changes, between one that never holds and one that always does. The
  /// constant before it decides the branch at verification, and the kernel removes the dead arm. The count of
  /// instructions never changes, so function and line records stay true.
  ///
  /// - Parameter mapFDs: a file descriptor for each slot.
  /// - Throws: `.usage` for a key without a value or a slot without a map.
  public func instructions(values: KeyValues, mapFDs: [Int32]) throws(StaticKeysError) -> [Instruction] {
    guard mapFDs.count == mapSlots else {
      throw StaticKeysError(.usage, "\(mapFDs.count) maps for \(mapSlots) slots", at: Place(program: name))
    }
    var result = instructions
    for site in sites {
      guard let enabled = values[site.key] else {
        throw StaticKeysError(.usage, "no value for the key", at: Place(program: name, key: site.key.rawValue))
      }
      result[site.insn.index].opcode = site.branch.layout.state(enabled: enabled).pairOpcode
    }
    for index in mapReferences { result[index].imm = mapFDs[Int(result[index].imm)] }
    return result
  }

  /// The first slots of all `ld_imm64` that refer to a map.
  var mapReferences: [Int] { Self.mapReferences(in: instructions) }

  /// The first slots of all `ld_imm64` among `instructions` that refer to a map.
  public static func mapReferences(in instructions: [Instruction]) -> [Int] {
    var result: [Int] = []
    var index = 0
    while index < instructions.count {
      let insn = instructions[index]
      guard insn.opcode == Instruction.Opcode.loadImm64 else {
        index += 1
        continue
      }
      if insn.src == Instruction.Pseudo.mapFD || insn.src == Instruction.Pseudo.mapValue { result.append(index) }
      index += 2
    }
    return result
  }
}

extension BranchState {
  /// The opcode of the branch of a pair `r0 = 0; if r0 … 0 goto` in this state.
  public var pairOpcode: UInt8 {
    switch self {
    case .nop: Instruction.Opcode.jumpIfNotEqual
    case .jump: Instruction.Opcode.jumpIfEqual
    }
  }
}
