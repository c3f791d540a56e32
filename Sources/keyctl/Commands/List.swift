// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `list [KEY…]`
struct List: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List the keys and values of all running programs.",
    discussion: """
      The columns are collection, key, state (on, off or mixed; of a number or text its value), the author's default, \
      how many programs and sites it has, its kind: a static key, an immediate (static_const), a constant \
      ('const volatile') or a variable; and how its programs hang, such as 'xdp link + pin', or 'nothing'. A program \
      whose template cannot be read is told on standard error.
      """,
    aliases: ["ls"])

  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveValues), transform: Selection.key)
  var keys: [KeyPattern] = []

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let inventory = try Inventory.current()
    try Output.warn(of: inventory.unreadable, json: output.json)
    let index = try ValueIndex(of: inventory, in: selection.program)
    let matches = try keys.isEmpty ? index.all : index.matches(for: keys)
    let attachments = try AttachmentIndex(system: BPFSystem(), of: matches.flatMap(\.programs))
    let views = try matches.map { try KeyView($0, attachments: attachments) }
    // What most collections do not have takes no column.
    let hasInstances = views.contains { $0.instances > 0 }
    let header =
      ["COLLECTION", "KEY", "STATE", "DEFAULT", "PROGRAMS", "SITES", "KIND"] + (hasInstances ? ["INSTANCES"] : [])
      + ["HANGS ON"]
    let table = TextTable(header: header, rows: views.map { $0.row(withInstances: hasInstances) })
    try output.print(views, lines: table.lines)
  }
}
