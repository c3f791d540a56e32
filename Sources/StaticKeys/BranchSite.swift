// SPDX-License-Identifier: Apache-2.0

/// A static branch at its place in one program: a copy of a function may hold the same branch elsewhere.
public struct BranchSite: Hashable, Sendable {
  /// The branch, as its function knows it.
  public let branch: StaticBranch
  /// The function's name in C.
  public let function: String
  /// Where the function starts in the program.
  public let functionStart: InsnOffset
  /// The branch instruction in the program.
  public let insn: InsnOffset

  /// A branch of a function at its place; nil if it would lie beyond the end of any program.
  public init?(branch: StaticBranch, function: String, functionStart: InsnOffset) {
    guard let insn = branch.insn.inProgram(functionStart: functionStart),
      branch.target.inProgram(functionStart: functionStart) != nil
    else { return nil }
    self.branch = branch
    self.function = function
    self.functionStart = functionStart
    self.insn = insn
  }

  /// The key that steers it.
  public var key: KeyName { branch.key }

  /// The `off` that the branch has when it jumps.
  public var jumpOffset: Int16 {
    // `branch` was made with a target in reach.
    JumpOffset(from: branch.insn.rawValue, to: branch.target.rawValue)?.rawValue ?? 0
  }

  /// Where it is, for messages.
  public var place: Place { Place(function: function, insn: branch.insn, key: key.rawValue) }
}
