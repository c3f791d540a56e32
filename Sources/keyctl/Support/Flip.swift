// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// What `enable`, `disable` and `toggle` have in common.
struct FlipOptions: ParsableArguments {
  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveKeys), transform: Selection.key)
  var keys: [KeyPattern]

  @OptionGroup var selection: SelectionOptions

  @OptionGroup var engine: EngineOptions

  @Flag(
    name: [.customShort("n"), .customLong("dry-run")],
    help: "Load and verify what would run, print the plan, and change nothing.")
  var dryRun = false

  @OptionGroup var action: ActionOptions

  /// Flips the keys and tells what came of it.
  func run(_ action: KeyAction) throws {
    let report = try KeyFlipper().flip(action, keys, in: selection.program, engine: engine.engine, dryRun: dryRun)
    let view = FlipView(report, action: action, dryRun: dryRun)
    try self.action.print(view, lines: view.lines)
    guard report.stillHeld.isEmpty else { throw Self.stillHeld(report.stillHeld) }
  }

  private static func stillHeld(_ ids: [UInt32]) -> StaticKeysError {
    StaticKeysError(
      .partlyApplied,
      "still running in the old state, held by something not seen here: "
        + "\(ids.count == 1 ? "program" : "programs") \(ids.map(String.init).joined(separator: ", "))",
      advice: "look for a tc filter, XDP set by netlink, an old-style cgroup attachment or another network "
        + "namespace's hook ('bpftool net', 'bpftool cgroup tree')")
  }
}
