// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys

extension BTFObject {
  /// The branches that the tags describe, by the FUNC that holds them, in the order of their instructions.
  ///
  /// Throws `.malformed`, naming the tag, if a tag that begins as ours does is not of our form or not on a function, or
  /// if two tags of a function disagree about an instruction.
  public borrowing func branches() throws(StaticKeysError) -> [UInt32: [StaticBranch]] {
    try siteTags().compactMapValues { tags in
      let branches = tags.compactMap { if case .branch(let branch) = $0 { branch } else { nil } }
      return branches.isEmpty ? nil : branches
    }
  }

  /// The places of constants, likewise.
  public borrowing func immediates() throws(StaticKeysError) -> [UInt32: [StaticImmediate]] {
    try siteTags().compactMapValues { tags in
      let immediates = tags.compactMap { if case .immediate(let immediate) = $0 { immediate } else { nil } }
      return immediates.isEmpty ? nil : immediates
    }
  }

  /// All tags of ours, by the FUNC that they are on, in the order of their instructions.
  borrowing func siteTags() throws(StaticKeysError) -> [UInt32: [SiteTag]] {
    var found: [UInt32: [FunctionOffset: SiteTag]] = [:]
    for tag in try declTags() where SiteTag.isMeant(by: tag.text) {
      guard let function = functionName(tag.target), function.isPrintable, tag.component == -1 else {
        throw StaticKeysError(
          .malformed, "tag \(tag.text.quoted) (BTF id \(tag.id)) is not on a function",
          at: Place(section: Self.section))
      }
      let place = Place(section: Self.section, function: function)
      guard let site = SiteTag(tag.text) else {
        let what = tag.text.hasPrefix(StaticBranch.tagPrefix) ? "a static branch" : "a constant"
        throw StaticKeysError(
          .malformed, "tag \(tag.text.quoted) (BTF id \(tag.id)) does not describe \(what)", at: place)
      }
      if let other = found[tag.target]?[site.insn], other != site {
        throw StaticKeysError(
          .malformed, "tags \"\(other.text)\" and \"\(site.text)\" contradict each other", at: place)
      }
      found[tag.target, default: [:]][site.insn] = site
    }
    return found.mapValues { $0.values.sorted { $0.insn < $1.insn } }
  }

  /// Adds the tag that describes a site to the FUNC with this id.
  ///
  /// The corresponding C function is `btf__add_decl_tag`.
  borrowing func addTag(_ site: SiteTag, to function: UInt32) throws(StaticKeysError) {
    let place = Place(
      section: Self.section, function: functionName(function), insn: site.insn, key: site.name.rawValue)
    guard functionName(function) != nil, let id = Int32(exactly: function) else {
      throw StaticKeysError(.malformed, "BTF id \(function) is no function", at: place)
    }
    let result = btf__add_decl_tag(raw, site.text, id, -1)
    guard result > 0 else {
      throw StaticKeysError(
        .malformed, "libbpf cannot add a tag: \(String(cString: strerror(-result)))", at: place, errno: -result)
    }
  }
}

/// What a tag of ours describes.
enum SiteTag: Hashable {
  case branch(StaticBranch)
  case immediate(StaticImmediate)

  /// Whether a text begins as one of ours does.
  static func isMeant(by text: String) -> Bool {
    text.hasPrefix(StaticBranch.tagPrefix) || text.hasPrefix(StaticImmediate.tagPrefix)
  }

  init?(_ text: String) {
    if let branch = StaticBranch(tag: text) {
      self = .branch(branch)
    } else if let immediate = StaticImmediate(tag: text) {
      self = .immediate(immediate)
    } else {
      return nil
    }
  }

  var text: String {
    switch self {
    case .branch(let branch): branch.tag
    case .immediate(let immediate): immediate.tag
    }
  }

  var insn: FunctionOffset {
    switch self {
    case .branch(let branch): branch.insn
    case .immediate(let immediate): immediate.insn
    }
  }

  var name: KeyName {
    switch self {
    case .branch(let branch): branch.key
    case .immediate(let immediate): immediate.name
    }
  }
}
