// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// One thing that a kernel offers or not, and how that was found out.
public struct KernelFeature: Sendable {
  /// A stable name.
  public let name: String
  /// What it is for, and since when the kernel has it.
  public let purpose: String
  /// Whether it is there.
  public let answer: Answer
  /// What was tried and what came of it.
  public let reason: String

  /// "No" and "could not find out" are different answers.
  public enum Answer: String, Sendable {
    case yes
    case no
    case unknown = "could not tell"
  }
}

/// What the running kernel offers to static keys. Asks by trying; without capabilities many answers are `unknown`.
public struct KernelFeatures: Sendable {
  /// The features, in order of how much depends on them.
  public let all: [KernelFeature]
  /// The engine that a flip would use; nil if none works here.
  public let engine: EngineKind?
  /// Why that one.
  public let engineReason: String

  /// Asks the kernel.
  public init(system: BPFSystem = BPFSystem()) {
    let probe = FeatureProbe(system: system)
    let needed = [probe.walkObjects(), probe.frozenMap(), probe.bindMap()]
    let patch = probe.patchCommand()
    all =
      needed + [
        probe.linkUpdate(), probe.tcx(), probe.declarationTags(), probe.deadCodeRemoval(), probe.jit(),
        probe.visibleInstructions(), probe.mountedBPFFS(), patch,
      ]
    if let missing = needed.first(where: { $0.answer != .yes }) {
      engine = nil
      engineReason = "\(missing.name): \(missing.answer.rawValue) (\(missing.reason))"
    } else if patch.answer == .yes {
      engine = .patch
      engineReason = "\(patch.name): \(patch.reason); programs in pair form are flipped by reload"
    } else {
      engine = .reload
      let names = needed.map(\.name).joined(separator: ", ")
      engineReason = "\(patch.name): \(patch.reason); reload works on any kernel that has \(names)"
    }
  }
}
