// SPDX-License-Identifier: Apache-2.0

/// How a template becomes instructions for BPF_PROG_LOAD.
extension ProgramTemplate {
  /// The instructions of an instance: sites, constants and map slots are as it says.
  ///
  /// - Parameter mapFDs: a file descriptor for each slot.
  /// - Throws: as `instructions(values:immediates:mapFDs:form:)`.
  public func instructions(for instance: ProgramInstance, mapFDs: [Int32]) throws(StaticKeysError) -> [Instruction] {
    try instructions(
      values: instance.values, immediates: instance.immediates, mapFDs: mapFDs, form: instance.form)
  }

  /// The instructions with every site in the state that `values` asks for, every constant and every map slot filled.
  ///
  /// - Parameters:
  ///   - mapFDs: a file descriptor for each slot.
  ///   - form: what the kernel takes; `.native` needs one with the proposed interface.
  /// - Throws: `.usage` for a key or constant without a value or a slot without a map.
  public func instructions(
    values: KeyValues, immediates: ImmediateValues = [:], mapFDs: [Int32], form: SiteForm = .pair
  ) throws(StaticKeysError) -> [Instruction] {
    guard mapFDs.count == mapSlots else {
      throw StaticKeysError(.usage, "\(mapFDs.count) maps for \(mapSlots) slots", at: Place(program: name))
    }
    var result = instructions
    try setSites(of: &result, values: values, form: form)
    try setImmediates(of: &result, values: immediates)
    for index in mapReferences { result[index].imm = mapFDs[Int(result[index].imm)] }
    return result
  }

  /// Brings the sites among `result`, which are this template's instructions, into the state that `values` asks for.
  ///
  /// In native form each site is one static branch, and the zero before it stays for nothing.
  ///
  /// In pair form a nop is the condition that never holds: the constant before it decides it at verification, and the kernel removes
  /// the arm. A jump is a plain one where the code after it can be reached in another way, as by the jump back from
  /// the region; a condition there would stay in the program, since both of its arms are alive. Else it is the condition
  /// that always holds, for a plain jump would leave code that `check_cfg` refuses as unreachable. The count of
  /// instructions never changes, so function and line records stay true.
  public func setSites(
    of result: inout [Instruction], values: KeyValues, form: SiteForm = .pair
  ) throws(StaticKeysError) {
    for site in sites {
      guard let enabled = values[site.key] else {
        throw StaticKeysError(.usage, "no value for the key", at: Place(program: name, key: site.key.rawValue))
      }
      let index = site.insn.index
      switch (form, site.branch.layout.state(enabled: enabled)) {
      case (.native, _) where site.jumpOffset == 0:
        // Both arms are one and the same. The kernel takes no such static branch, and the pair has nothing to flip.
        result[index].opcode = Instruction.Opcode.jumpIfNotEqual
      case (.native, let state):
        result[index].opcode = Instruction.Opcode.jumpAlways
        result[index].src = state.nativeSource
      case (.pair, .nop): result[index].opcode = Instruction.Opcode.jumpIfNotEqual
      case (.pair, .jump): result[index].opcode = Instruction.Opcode.jumpIfEqual
      }
    }
    // Conditions first, plain jumps one by one: each takes a way from those that come after it.
    for site in sites where result[site.insn.index].opcode == Instruction.Opcode.jumpIfEqual {
      let index = site.insn.index
      if ControlFlow(result).reaches(index + 1, from: site.functionStart.index) {
        result[index].opcode = Instruction.Opcode.jumpAlways
      }
    }
  }

  /// Writes constants into `result`, which are this template's instructions.
  public func setImmediates(of result: inout [Instruction], values: ImmediateValues) throws(StaticKeysError) {
    for site in immediates {
      guard let bits = values[site.name], site.immediate.takes(bits) else {
        throw StaticKeysError(.usage, "no value for the constant", at: Place(program: name, key: site.name.rawValue))
      }
      let (low, high) = site.immediate.immediates(for: bits)
      result[site.insn.index].imm = low
      if site.immediate.size == 8 { result[site.insn.index + 1].imm = high }
    }
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
