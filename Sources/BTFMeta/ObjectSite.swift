// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A site of an object file: a branch, the function that holds it, and its initial state.
public struct ObjectSite: Hashable, Sendable {
  /// The function that contains it; code inlined elsewhere has a site of its own there.
  public let function: ObjectFunction
  /// The branch, in offsets from the start of that function.
  public let branch: StaticBranch

  /// What the site does in the object as compiled.
  public var state: BranchState { branch.layout.state(enabled: branch.defaultValue) }
}
