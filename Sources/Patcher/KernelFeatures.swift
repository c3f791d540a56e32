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
    all =
      needed + [
        probe.linkUpdate(), probe.tcx(), probe.declarationTags(), probe.deadCodeRemoval(), probe.jit(),
        probe.visibleInstructions(), probe.mountedBPFFS(), probe.patchCommand(),
      ]
    if let missing = needed.first(where: { $0.answer != .yes }) {
      engine = nil
      engineReason = "\(missing.name): \(missing.answer.rawValue) (\(missing.reason))"
    } else {
      engine = .reload
      engineReason = "works on any kernel that has \(needed.map(\.name).joined(separator: ", "))"
    }
  }
}
