// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// An object whose BTF describes all its sites.
public struct AnnotatedObject: Sendable {
  /// The object file's bytes.
  public let bytes: [UInt8]
  /// All sites of the object.
  public let sites: [ObjectSite]
  /// How many tags these bytes have beyond those of the object as it was; 0 if it was annotated before.
  public let added: Int
}

extension ObjectFile {
  /// The object with a tag for each of its sites: an image in memory, ready for libbpf's `bpf_object__open_mem`.
  ///
  /// Nothing else in it changes: symbols, relocations and debug information keep their contents and section numbers. An
  /// object that has all its tags comes back as it is, byte for byte.
  ///
  /// Throws what `sites()` does, `.noBTF`, `.ambiguous` if BTF cannot tell two functions apart, and `.malformed` if the
  /// object has tags that contradict its sites.
  public borrowing func annotated() throws(StaticKeysError) -> AnnotatedObject {
    let sites = try sites()
    guard hasTagsToCheck(for: sites) else { return AnnotatedObject(bytes: handle.bytes, sites: [], added: 0) }
    let btf = try btf()
    return try located(at: Place(file: name)) { () throws(StaticKeysError) in
      let missing = try missingTags(for: sites, in: btf)
      guard !missing.isEmpty else { return AnnotatedObject(bytes: handle.bytes, sites: sites, added: 0) }
      for (function, branch) in missing { try btf.addTag(branch, to: function) }
      let bytes = try image(replacing: btfSection(), with: btf.bytes())
      try Self.verify(bytes, name: name, holds: sites)
      return AnnotatedObject(bytes: bytes, sites: sites, added: missing.count)
    }
  }

  /// Whether the object's BTF describes all its sites. Throws what `annotated()` does.
  public borrowing func isAnnotated() throws(StaticKeysError) -> Bool {
    let sites = try sites()
    guard hasTagsToCheck(for: sites) else { return true }
    let btf = try btf()
    return try located(at: Place(file: name)) { () throws(StaticKeysError) in
      try missingTags(for: sites, in: btf).isEmpty
    }
  }

  /// An object without sites needs no BTF, but where it has some, tags of an earlier version may be left in it.
  private borrowing func hasTagsToCheck(for sites: [ObjectSite]) -> Bool {
    !sites.isEmpty || sections.contains { $0.name == BTFObject.section }
  }

  private borrowing func missingTags(
    for sites: [ObjectSite], in btf: borrowing BTFObject
  ) throws(StaticKeysError) -> [(function: UInt32, branch: StaticBranch)] {
    let types = try types(of: sites, in: btf)
    let present = try btf.branches()
    var expected: [UInt32: [StaticBranch]] = [:]
    for site in sites {
      if let type = types[site.function] { expected[type, default: []].append(site.branch) }
    }
    for (type, branches) in present.sorted(by: { $0.key < $1.key }) {
      let found = Set(expected[type] ?? [])
      guard let stale = branches.first(where: { !found.contains($0) }) else { continue }
      let actual = expected[type]?.first { $0.insn == stale.insn }.map { "\"\($0.tag)\"" } ?? "no site there"
      throw StaticKeysError(
        .malformed, "BTF has tag \"\(stale.tag)\", but the code has \(actual)",
        at: Place(section: BTFObject.section, function: btf.functionName(type)),
        advice: "compile the object again and annotate that")
    }
    return expected.sorted { $0.key < $1.key }.flatMap { type, branches in
      let there = Set(present[type] ?? [])
      return branches.filter { !there.contains($0) }.map { (type, $0) }
    }
  }

  /// Reads the new image as any later reader will, so that what is handed out is known to be whole.
  private static func verify(
    _ bytes: [UInt8], name: String, holds sites: [ObjectSite]
  ) throws(StaticKeysError) {
    let copy = try ObjectFile(bytes: bytes, name: name)
    guard try copy.sites() == sites, try copy.isAnnotated() else {
      throw StaticKeysError(.malformed, "the object cannot be rewritten without changing its sites")
    }
  }
}
