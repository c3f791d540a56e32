// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `list [KEY…]`
struct List: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List the keys of all running programs.",
    discussion: """
      The columns are collection, key, state (on, off or mixed), the author's default, and how many programs and sites \
      the key has. A program whose template cannot be read is told on standard error.
      """,
    aliases: ["ls"])

  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveKeys), transform: Selection.key)
  var keys: [KeyPattern] = []

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let inventory = try Inventory.current()
    try Output.warn(of: inventory.unreadable, json: output.json)
    let found =
      keys.isEmpty
      ? try inventory.keys(in: selection.program)
      : try inventory.keys(matching: keys, in: selection.program)
    let views = found.map(KeyView.init)
    let table = TextTable("COLLECTION", "KEY", "STATE", "DEFAULT", "PROGRAMS", "SITES", rows: views.map(\.row))
    try output.print(views, lines: table.lines)
  }
}
