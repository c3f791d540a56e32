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
    var found: [UInt32: [FunctionOffset: StaticBranch]] = [:]
    for tag in try declTags() where tag.text.hasPrefix(StaticBranch.tagPrefix) {
      guard let function = functionName(tag.target), function.isPrintable, tag.component == -1 else {
        throw StaticKeysError(
          .malformed, "tag \(tag.text.quoted) (BTF id \(tag.id)) is not on a function",
          at: Place(section: Self.section))
      }
      let place = Place(section: Self.section, function: function)
      guard let branch = StaticBranch(tag: tag.text) else {
        throw StaticKeysError(
          .malformed, "tag \(tag.text.quoted) (BTF id \(tag.id)) does not describe a static branch", at: place)
      }
      if let other = found[tag.target]?[branch.insn], other != branch {
        throw StaticKeysError(
          .malformed, "tags \"\(other.tag)\" and \"\(branch.tag)\" contradict each other", at: place)
      }
      found[tag.target, default: [:]][branch.insn] = branch
    }
    return found.mapValues { $0.values.sorted { $0.insn < $1.insn } }
  }

  /// Adds the tag that describes a branch to the FUNC with this id.
  ///
  /// The corresponding C function is `btf__add_decl_tag`.
  borrowing func addTag(_ branch: StaticBranch, to function: UInt32) throws(StaticKeysError) {
    let place = Place(
      section: Self.section, function: functionName(function), insn: branch.insn, key: branch.key.rawValue)
    guard functionName(function) != nil, let id = Int32(exactly: function) else {
      throw StaticKeysError(.malformed, "BTF id \(function) is no function", at: place)
    }
    let result = btf__add_decl_tag(raw, branch.tag, id, -1)
    guard result > 0 else {
      throw StaticKeysError(
        .malformed, "libbpf cannot add a tag: \(String(cString: strerror(-result)))", at: place, errno: -result)
    }
  }
}
