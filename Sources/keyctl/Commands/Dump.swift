// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `dump PROG`
struct Dump: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show a program's instructions as loaded, with every site marked.",
    discussion: """
      These are the instructions that the kernel was given, in the state that runs now; 'bpftool prog dump xlated' \
      shows what it made of them. Numbers count instructions of 8 bytes from the start of the program.
      """)

  @Argument(
    help: ArgumentHelp("ID, id:N, name:N, tag:T or the path of a pin.", valueName: "prog"),
    transform: Selection.program)
  var program: ProgramSelector

  @Flag(help: "Show the bytes too.")
  var raw = false

  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let program = try Inventory.current().program(selectedBy: program)
    let view = try DumpView(program)
    try output.print(view, lines: view.lines(raw: raw))
  }
}
