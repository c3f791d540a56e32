// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// An object whose BTF describes all its sites.
public struct AnnotatedObject: Sendable {
  /// The object file's bytes.
  public let bytes: [UInt8]
  /// All sites of the object.
  public let sites: [ObjectSite]
  /// All places of its constants.
  public let immediates: [ObjectImmediate]
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
    let immediates = try immediates()
    let tagged = Self.tags(sites, immediates)
    guard hasTagsToCheck(for: tagged) else {
      return AnnotatedObject(bytes: handle.bytes, sites: [], immediates: [], added: 0)
    }
    let btf = try btf()
    return try located(at: Place(file: name)) { () throws(StaticKeysError) in
      let missing = try missingTags(for: tagged, in: btf)
      guard !missing.isEmpty else {
        return AnnotatedObject(bytes: handle.bytes, sites: sites, immediates: immediates, added: 0)
      }
      for (function, site) in missing { try btf.addTag(site, to: function) }
      let bytes = try image(replacing: btfSection(), with: btf.bytes())
      try Self.verify(bytes, name: name, holds: tagged)
      return AnnotatedObject(bytes: bytes, sites: sites, immediates: immediates, added: missing.count)
    }
  }

  /// Whether the object's BTF describes all its sites. Throws what `annotated()` does.
  public borrowing func isAnnotated() throws(StaticKeysError) -> Bool {
    let tagged = Self.tags(try sites(), try immediates())
    guard hasTagsToCheck(for: tagged) else { return true }
    let btf = try btf()
    return try located(at: Place(file: name)) { () throws(StaticKeysError) in
      try missingTags(for: tagged, in: btf).isEmpty
    }
  }

  /// A tag that the object should have, and the function to which it belongs.
  struct TaggedSite: Hashable {
    let function: ObjectFunction
    let tag: SiteTag
  }

  private static func tags(_ sites: [ObjectSite], _ immediates: [ObjectImmediate]) -> [TaggedSite] {
    sites.map { TaggedSite(function: $0.function, tag: .branch($0.branch)) }
      + immediates.map { TaggedSite(function: $0.function, tag: .immediate($0.immediate)) }
  }

  /// An object without sites needs no BTF, but where it has some, tags of an earlier version may be left in it.
  private borrowing func hasTagsToCheck(for sites: [TaggedSite]) -> Bool {
    !sites.isEmpty || sections.contains { $0.name == BTFObject.section }
  }

  private borrowing func missingTags(
    for sites: [TaggedSite], in btf: borrowing BTFObject
  ) throws(StaticKeysError) -> [(function: UInt32, tag: SiteTag)] {
    let types = try types(of: Set(sites.map(\.function)), in: btf)
    let present = try btf.siteTags()
    var expected: [UInt32: [SiteTag]] = [:]
    for site in sites {
      if let type = types[site.function] { expected[type, default: []].append(site.tag) }
    }
    for (type, tags) in present.sorted(by: { $0.key < $1.key }) {
      let found = Set(expected[type] ?? [])
      guard let stale = tags.first(where: { !found.contains($0) }) else { continue }
      let actual = expected[type]?.first { $0.insn == stale.insn }.map { "\"\($0.text)\"" } ?? "no site there"
      throw StaticKeysError(
        .malformed, "BTF has tag \"\(stale.text)\", but the code has \(actual)",
        at: Place(section: BTFObject.section, function: btf.functionName(type)),
        advice: "compile the object again and annotate that")
    }
    return expected.sorted { $0.key < $1.key }.flatMap { type, tags in
      let there = Set(present[type] ?? [])
      return tags.filter { !there.contains($0) }.map { (type, $0) }
    }
  }

  /// Reads the new image as any later reader will, so that what is handed out is known to be whole.
  private static func verify(
    _ bytes: [UInt8], name: String, holds sites: [TaggedSite]
  ) throws(StaticKeysError) {
    let copy = try ObjectFile(bytes: bytes, name: name)
    guard tags(try copy.sites(), try copy.immediates()) == sites, try copy.isAnnotated() else {
      throw StaticKeysError(.malformed, "the object cannot be rewritten without changing its sites")
    }
  }
}
