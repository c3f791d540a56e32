// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StateFile
import StaticKeys
import SystemPackage

/// How a change is made and told: what all commands that change running programs have in common.
struct ChangeOptions: ParsableArguments {
  @OptionGroup var selection: SelectionOptions

  @OptionGroup var engine: EngineOptions

  @Flag(
    name: [.customShort("n"), .customLong("dry-run")],
    help: "Load and verify what would run, print the plan, and change nothing.")
  var dryRun = false

  @OptionGroup var action: ActionOptions

  /// Makes a change and tells what came of it.
  func run(
    _ name: String, _ change: (_ changer: Changer) throws -> ChangeReport
  ) throws {
    let report = try action.showingProgress { system in try change(Changer(system: system)) }
    let view = FlipView(report, action: name, dryRun: dryRun)
    try action.print(view, lines: view.lines)
    guard report.stillHeld.isEmpty else { throw Self.stillHeld(report.stillHeld) }
  }

  static func stillHeld(_ ids: [UInt32], by holder: String = "something not seen here") -> StaticKeysError {
    StaticKeysError(
      .partlyApplied,
      "still running in the old state, held by \(holder): "
        + "\(ids.count == 1 ? "program" : "programs") \(ids.map(String.init).joined(separator: ", "))",
      advice: "a process may hold it ('bpftool prog show id' names it), a tracer may watch it, or it hangs in a "
        + "network namespace that has neither a name nor a process")
  }
}

/// What `enable`, `disable` and `toggle` have in common.
struct FlipOptions: ParsableArguments {
  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveKeys), transform: Selection.key)
  var keys: [KeyPattern]

  @OptionGroup var change: ChangeOptions

  /// Flips the keys and tells what came of it.
  func run(_ action: KeyAction) throws {
    try change.run(action.rawValue) { changer in
      try changer.flip(
        action, keys, in: change.selection.program, engine: change.engine.engine, dryRun: change.dryRun)
    }
  }
}

/// What `apply` and `restore` have in common.
struct ApplyOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The file, or - for standard input.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @OptionGroup var change: ChangeOptions

  /// Brings keys into the file's state and tells what came of it.
  func run(_ name: String) throws {
    let state = try StateFile.read(FilePath(file))
    try change.run(name) { changer in
      try changer.apply(
        state, from: StateFile.name(of: FilePath(file)), in: change.selection.program, engine: change.engine.engine,
        dryRun: change.dryRun)
    }
  }
}
