// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `get [NAME…]`
struct Get: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Print the values of keys, constants and variables.",
    discussion: """
      NAME is [COLLECTION/]NAME with a path into it where one is wanted, as C writes it: limits.rate[2]. * and ? match \
      in collection and name. Each line is NAME=VALUE, as 'set' takes it. Without a NAME all values are printed.
      """)

  @Argument(
    help: Selection.valueHelp, completion: .custom(Selection.liveValues), transform: Selection.value)
  var names: [ValuePattern] = []

  @Flag(help: "Print the values alone.")
  var value = false

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let inventory = try Inventory.current()
    try Output.warn(of: inventory.unreadable, json: output.json)
    let index = try ValueIndex(of: inventory, in: selection.program)
    let found = try names.isEmpty ? index.all : names.flatMap { name in try index.matches(for: name) }
    let views = try found.map(ValueView.init)
    try output.print(views, lines: views.map { value ? $0.shown : $0.line })
  }
}
