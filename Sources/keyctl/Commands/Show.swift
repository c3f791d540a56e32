// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `show KEY…`
struct Show: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show keys and values with their programs and every site.",
    discussion: """
      INSN and TARGET count instructions of 8 bytes from the start of the function, as the BTF tags do. A site jumps \
      or is a nop: an unlikely one jumps when its key is on, a likely one when it is off. An immediate has the \
      instructions that hold it.
      """)

  @Argument(
    help: Selection.keyHelp, completion: .custom(Selection.liveValues), transform: Selection.key)
  var keys: [KeyPattern]

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let inventory = try Inventory.current()
    try Output.warn(of: inventory.unreadable, json: output.json)
    let found = try ValueIndex(of: inventory, in: selection.program).matches(for: keys)
    let attachments = try AttachmentIndex(system: BPFSystem(), of: found.flatMap(\.programs))
    let lines = SourceLines(of: found.flatMap(\.programs))
    let views = try found.map { match in
      switch match {
      case .key(let key): Details.key(KeyDetails(key, attachments: attachments, lines: lines))
      case .value(let value, _): Details.value(try ValueDetails(value, attachments: attachments, lines: lines))
      }
    }
    try output.print(views, lines: views.flatMap(\.lines))
  }
}
