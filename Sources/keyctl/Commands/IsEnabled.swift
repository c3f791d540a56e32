// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `is-enabled KEY`
struct IsEnabled: Verb {
  static let configuration = CommandConfiguration(
    commandName: "is-enabled",
    abstract: "Tell by the exit status whether a key is on: 0 on, 1 off, 2 mixed.",
    discussion: "Where KEY matches several keys, they are on or off only if all of them are.")

  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveKeys), transform: Selection.key)
  var key: KeyPattern

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  private struct View: Encodable {
    let state: String
    let keys: [KeyView]
  }

  func run() throws {
    let found = try ValueIndex(of: Inventory.current(), in: selection.program).matches(for: [key], among: .switches)
    let state = found.switchState
    try action.print(View(state: state.rawValue, keys: found.map { try KeyView($0) }), lines: [state.rawValue])
    switch state {
    case .on: break
    case .off: throw ExitCode(ExitStatus.failed.rawValue)
    case .mixed: throw ExitCode(ExitStatus.mixed.rawValue)
    }
  }
}
