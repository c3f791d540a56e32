// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StateFile
import StaticKeys

/// `save [NAME…]`
struct Save: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Print the state of keys and values in the form that 'apply' and 'restore' read.",
    discussion: """
      The output is YAML, and with --json JSON. Without a NAME it has all keys and constants; the variables of .data \
      and .bss, which programs write themselves, only where they are named without * and ?. What cannot be set, such \
      as pointers and floating-point numbers, is left out, and so is what some programs have and others have \
      differently: then the exit status is 2. Both are told in a comment and on standard error.
      """)

  @Argument(
    help: ArgumentHelp("[COLLECTION/]NAME; * and ? match.", valueName: "name"),
    completion: .custom(Selection.liveValues), transform: Selection.key)
  var names: [KeyPattern] = []

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  private struct View: Encodable {
    struct Collection: Encodable {
      let keys: [String: Bool]
      let values: [String: String]
    }

    let version: Int
    let collections: [String: Collection]
  }

  func run() throws {
    let inventory = try Inventory.current()
    try Output.warn(of: inventory.unreadable, json: output.json)
    let index = try ValueIndex(of: inventory, in: selection.program)
    let state = WantedState(of: try names.isEmpty ? index.configuration : index.configuration(named: names))
    try output.print(Self.view(of: state), lines: StateFile.lines(of: state))
    let mixed = state.collections.flatMap(Self.mixed)
    try Output.warn(of: mixed + state.collections.flatMap(Self.unsettable), json: output.json)
    guard mixed.isEmpty else { throw ExitCode(ExitStatus.mixed.rawValue) }
  }

  private static func mixed(in collection: WantedState.Collection) -> [StaticKeysError] {
    collection.mixed.map { name in
      StaticKeysError(
        .ambiguous, "it is on in some programs and off in others, and left out",
        at: Place(key: "\(collection.name)/\(name)"))
    }
      + collection.mixedValues.map { name in
        StaticKeysError(
          .ambiguous, "value \(collection.name)/\(name): programs have different values of it, and it is left out")
      }
  }

  private static func unsettable(in collection: WantedState.Collection) -> [StaticKeysError] {
    collection.unsettable.map { name in
      StaticKeysError(.unsupported, "value \(collection.name)/\(name): it cannot be set, and is left out")
    }
  }

  private static func view(of state: WantedState) -> View {
    let collections = state.collections.map { collection in
      let keys = collection.keys.map { ($0.keys.pattern, $0.isOn) }
      let values = collection.values.map { ($0.expression, $0.text) }
      return (
        collection.name.pattern, View.Collection(keys: Dictionary(keys) { $1 }, values: Dictionary(values) { $1 })
      )
    }
    return View(version: StateFile.version, collections: Dictionary(collections) { $1 })
  }
}
