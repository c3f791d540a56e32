// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// When a test that needs something of the machine runs.
///
/// On a developer's machine it is skipped by name where that is missing; in CI it runs and so fails, because a skip
/// that nobody reads is worth nothing.
public enum Requirement {
  /// Whether such a test runs.
  public static func runs(met: Bool, inCI: Bool = isCI(ProcessInfo.processInfo.environment)) -> Bool { met || inCI }

  /// Whether this environment is that of a CI run: `CI` is set, and not to no.
  public static func isCI(_ environment: [String: String]) -> Bool {
    !["", "0", "false"].contains(environment["CI", default: ""].lowercased())
  }

  /// Why a test cannot run on a kernel of this version, nil if it can: then a missing feature is a failure.
  ///
  /// In CI too: no kernel gets older for being told off. A version that cannot be told excuses nothing.
  public static func tooOld(_ running: LinuxVersion?, for feature: String, since needed: String) -> String? {
    guard let running, let first = LinuxVersion(needed), running < first else { return nil }
    return "not possible here: \(feature) came with Linux \(first), this is \(running)"
  }
}

extension Trait where Self == ConditionTrait {
  /// The test needs root.
  public static var requiresRoot: Self { .enabled(if: Requirement.runs(met: geteuid() == 0), "needs root") }

  /// The test needs this program to be installed.
  public static func requires(tool: String) -> Self {
    .enabled(if: Requirement.runs(met: Tools.find(tool) != nil), "needs \(tool)")
  }

  /// The test compiles BPF programs. A guest has no compiler: it would take many times the time of the tests.
  public static var requiresCompiler: Self {
    .enabled(if: !Emulation.isOn, "not possible here: a guest has no compiler")
  }

  /// The test needs a feature that came with this version of Linux, such as "6.6"; on an older one it is skipped.
  public static func requires(kernel version: String, for feature: String) -> Self {
    let obstacle = Requirement.tooOld(.running, for: feature, since: version)
    return .enabled(if: obstacle == nil, Comment(rawValue: obstacle ?? feature))
  }
}
