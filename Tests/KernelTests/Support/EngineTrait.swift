// SPDX-License-Identifier: Apache-2.0

import Patcher
import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
  /// The suite is about this engine alone: where the run is about another, it would only be run twice.
  ///
  /// A run that is said to be about an engine runs its suites whatever the kernel has.
  static func requiresEngine(_ engine: EngineChoice) -> Self {
    let tested = Collection.engineUnderTest
    let kernelHasIt = engine != .patch || StaticBranches.current != nil
    if tested == .auto {
      return .enabled(if: kernelHasIt, "not possible here: this kernel has no BPF_STATIC_BRANCH_UPDATE")
    }
    let told: Comment =
      "not possible here: it is about the engine \(engine.rawValue), this run about \(tested.rawValue)"
    return .enabled(if: tested == engine, told)
  }
}
