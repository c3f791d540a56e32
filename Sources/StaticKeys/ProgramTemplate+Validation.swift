// SPDX-License-Identifier: Apache-2.0

extension ProgramTemplate {
  /// Checks that the parts fit together, so that whoever uses the template need not.
  ///
  /// - Throws: `.corruptedTemplate` or `.badSite`, with the place.
  public func validate() throws(StaticKeysError) {
    let place = Place(program: name)
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(StaticKeysError) {
      guard condition else { throw StaticKeysError(.corruptedTemplate, message(), at: place) }
    }
    try require(!instructions.isEmpty, "has no instructions")
    for (records, what) in [(functionInfo, "function"), (lineInfo, "line")] {
      try require(
        records.bytes.isEmpty || (records.size >= 8 && records.bytes.count % records.size == 0),
        "its \(what) records are cut off")
    }
    for index in mapReferences {
      try require(index + 1 < instructions.count, "ends in the middle of a 16-byte instruction")
      let slot = Int(instructions[index].imm)
      try require((0..<mapSlots).contains(slot), "insn \(index) refers to map \(slot) of \(mapSlots)")
    }
    for site in sites { try check(site) }
    try require(
      zip(sites, sites.dropFirst()).allSatisfy { $0.insn < $1.insn }, "its sites are not in order of their place")
    let branches = Set(sites.map(\.insn.index))
    for site in immediates { try check(site, besides: branches) }
    try require(
      zip(immediates, immediates.dropFirst()).allSatisfy { $0.insn < $1.insn },
      "its constants are not in order of their place")
    try require(
      Set(immediates.map { Constant($0.immediate) }).count == immediateDefaults.count,
      "a constant has two sizes or default values")
    try require(
      keys.count == Set(sites.map(\.key)).count, "a key has two default values")
  }

  private struct Constant: Hashable {
    let name: KeyName
    let size: Int
    let isSigned: Bool
    let defaultValue: ImmediateBits

    init(_ immediate: StaticImmediate) {
      name = immediate.name
      size = immediate.size
      isSigned = immediate.isSigned
      defaultValue = immediate.defaultValue
    }
  }

  private func check(_ site: ImmediateSite, besides branches: Set<Int>) throws(StaticKeysError) {
    let place = site.place.completed(by: Place(program: name))
    // The verifier is to decide the branch by this very zero.
    guard !branches.contains(site.insn.index + 1) else {
      throw StaticKeysError(.badSite, "the constant's instruction is that of a static branch", at: place)
    }
    _ = try located(at: place) { () throws(StaticKeysError) in
      try ImmediateInstruction.value(in: instructions, at: site.insn.index, size: site.immediate.size)
    }
  }

  private func check(_ site: BranchSite) throws(StaticKeysError) {
    let place = site.place.completed(by: Place(program: name))
    guard site.insn.index < instructions.count,
      let target = site.branch.target.inProgram(functionStart: site.functionStart), target.index < instructions.count
    else { throw StaticKeysError(.corruptedTemplate, "the site lies beyond the program's end", at: place) }
    let pair = try located(at: place) { () throws(StaticKeysError) in
      try StaticBranchPair(in: instructions, branchAt: site.insn.index)
    }
    guard pair.targetIndex == target.index else {
      throw StaticKeysError(.badSite, "the branch goes to \(pair.targetIndex), not to \(target)", at: place)
    }
  }
}
