// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

extension ObjectFile {
  /// The sites, in the order of section and byte.
  ///
  /// Throws `.malformed` for a site symbol of unknown form, `.undefinedKey` for one whose key this object does not define,
  /// and `.badSite` for one that lies outside any function, that marks no pair of static_key.bpf.h, or whose initial
  /// state contradicts its key's default.
  public borrowing func sites() throws(StaticKeysError) -> [ObjectSite] {
    let defaults = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0.defaultValue) })
    let index = FunctionIndex(functions)
    var code: [ObjectFunction: [Instruction]] = [:]
    var sites: [ObjectSite] = []
    for symbol in symbols where symbol.name.hasPrefix(SiteSymbol.prefix) {
      let function = try function(holding: symbol, index)
      if code[function] == nil { code[function] = try instructions(of: function) }
      let place = Place(
        file: name, section: function.section, byte: ByteOffset(symbol.value), function: function.name)
      sites.append(
        try located(at: place) { () throws(StaticKeysError) in
          try Self.site(symbol, in: function, code[function] ?? [], defaults)
        })
    }
    sites.sort { Self.order($0) < Self.order($1) }
    for (a, b) in zip(sites, sites.dropFirst()) where Self.order(a) == Self.order(b) {
      throw StaticKeysError(
        .badSite, "the instruction has two site symbols, for keys \(a.branch.key) and \(b.branch.key)",
        at: Place(file: name, function: a.function.name, insn: a.branch.insn, key: a.branch.key.rawValue))
    }
    return sites
  }

  private static func order(_ site: ObjectSite) -> (Int, ByteOffset, FunctionOffset) {
    (site.function.sectionIndex, site.function.start, site.branch.insn)
  }

  borrowing func function(
    holding symbol: ObjectSymbol, _ index: FunctionIndex
  ) throws(StaticKeysError) -> ObjectFunction {
    let place = Place(
      file: name, section: symbol.section.map { sections[$0 - 1].name }, byte: ByteOffset(symbol.value),
      key: (SiteSymbol(symbol.name)?.key ?? ConstantSymbol(symbol.name)?.name)?.rawValue)
    switch symbol.section.map({ index.holder(ofByte: symbol.value, section: $0) }) ?? .nothing {
    case .function(let function): return function
    case .overlap(let a, let b):
      throw StaticKeysError(
        .badSite, "site symbol \(symbol.name) lies where functions \(a.name) and \(b.name) share their code", at: place)
    case .nothing:
      throw StaticKeysError(.badSite, "site symbol \(symbol.name) lies outside any function", at: place)
    }
  }

  private static func site(
    _ symbol: ObjectSymbol, in function: ObjectFunction, _ instructions: [Instruction], _ defaults: [KeyName: Bool]
  ) throws(StaticKeysError) -> ObjectSite {
    guard let parsed = SiteSymbol(symbol.name) else {
      throw StaticKeysError(
        .malformed, "site symbol \(symbol.name) is not of the form __static_branch.<u|l>.<n>.<key>",
        advice: "use the static_key.bpf.h of this version")
    }
    var place = Place(key: parsed.key.rawValue)
    guard let insn = ByteOffset(symbol.value).slot(inFunctionAt: function.start) else {
      throw StaticKeysError(.badSite, "the site does not lie on an 8-byte instruction slot", at: place)
    }
    place.insn = insn
    let pair = try located(at: place) { () throws(StaticKeysError) in
      try StaticBranchPair(in: instructions, branchAt: Int(insn.rawValue))
    }
    guard let defaultValue = defaults[parsed.key] else {
      throw StaticKeysError(
        .undefinedKey, "the key is not defined in this object", at: place,
        advice: "link it with the object that defines it (bpftool gen object)")
    }
    guard pair.state == parsed.layout.state(enabled: defaultValue) else {
      throw StaticKeysError(
        .badSite,
        "the site starts as \(pair.state.rawValue), but a key that defaults to \(defaultValue) needs "
          + "\(parsed.layout.state(enabled: defaultValue).rawValue) in \(parsed.layout == .likely ? "a" : "an") "
          + "\(parsed.layout.rawValue) site",
        at: place, advice: "declare the key as it is defined: TRUE or FALSE")
    }
    guard let target = UInt32(exactly: pair.targetIndex),
      let branch = StaticBranch(
        key: parsed.key, insn: insn, target: FunctionOffset(target), layout: parsed.layout, defaultValue: defaultValue)
    else { throw StaticKeysError(.badSite, "the target is beyond the reach of a 16-bit offset", at: place) }
    return ObjectSite(function: function, branch: branch)
  }
}
