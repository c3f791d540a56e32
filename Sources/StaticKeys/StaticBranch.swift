// SPDX-License-Identifier: Apache-2.0

/// How the author laid the branch out: which value keeps to the straight line of code.
public enum BranchLayout: String, Hashable, Sendable {
  /// `static_branch_likely()`: the enabled code is in line, the disabled code out of line.
  case likely
  /// `static_branch_unlikely()`: the enabled code is out of line.
  case unlikely

  /// What the site does under a key of this value: jump_label's *enabled XOR likely*.
  public func state(enabled: Bool) -> BranchState { enabled != (self == .likely) ? .jump : .nop }

  /// The key's value under which a site of this layout is in this state.
  public func enabled(in state: BranchState) -> Bool { (state == .jump) != (self == .likely) }
}

/// The two states of a site (`enum jump_label_type`).
public enum BranchState: String, Hashable, Sendable {
  /// Falls through to the next instruction.
  case nop
  /// Goes to the out-of-line region.
  case jump
}

/// One place in a function that a key steers: a jump_label *entry*, in the terms of its BTF tag.
public struct StaticBranch: Hashable, Sendable {
  /// The key that steers it.
  public let key: KeyName
  /// The branch instruction, the second of the pair.
  public let insn: FunctionOffset
  /// The first instruction of the out-of-line region.
  public let target: FunctionOffset
  /// Which arm is out of line.
  public let layout: BranchLayout
  /// The key's value in the object.
  public let defaultValue: Bool

  /// A branch; nil unless `target` lies ahead of `insn` within the reach of a 16-bit `off`.
  public init?(key: KeyName, insn: FunctionOffset, target: FunctionOffset, layout: BranchLayout, defaultValue: Bool) {
    guard JumpOffset(from: insn.rawValue, to: target.rawValue) != nil else { return nil }
    self.key = key
    self.insn = insn
    self.target = target
    self.layout = layout
    self.defaultValue = defaultValue
  }
}
