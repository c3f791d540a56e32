// SPDX-License-Identifier: Apache-2.0

/// The text of a BTF decl tag on a FUNC, the public description of one branch of that function:
///
///     static_branch key=debug_events insn=4 target=7 unlikely default=false
///
/// `insn` and `target` count 8-byte slots from the start of the function.
extension StaticBranch {
  /// The word that every such tag starts with; a tag without it is somebody else's.
  public static let tagPrefix = "static_branch "

  /// The tag that describes this branch.
  public var tag: String {
    "\(Self.tagPrefix)key=\(key) insn=\(insn) target=\(target) \(layout.rawValue) default=\(defaultValue)"
  }

  /// The branch that a tag describes; nil if the text is not exactly what `tag` writes.
  public init?(tag: String) {
    let words = tag.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 6, words[0] == "static_branch",
      let key = KeyName(Self.value(of: "key", in: words[1])),
      let insn = UInt32(Self.value(of: "insn", in: words[2])),
      let target = UInt32(Self.value(of: "target", in: words[3])),
      let layout = BranchLayout(rawValue: String(words[4])),
      let defaultValue = Bool(String(Self.value(of: "default", in: words[5])))
    else { return nil }
    self.init(
      key: key, insn: FunctionOffset(insn), target: FunctionOffset(target), layout: layout, defaultValue: defaultValue)
    // Refuses spellings that UInt32 accepts and we never write, such as "+4" or "04".
    guard self.tag == tag else { return nil }
  }

  private static func value(of name: String, in word: Substring) -> Substring {
    word.hasPrefix(name + "=") ? word.dropFirst(name.utf8.count + 1) : ""
  }
}
