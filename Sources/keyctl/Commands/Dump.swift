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
    let inventory = try Inventory.current()
    let program = try inventory.program(selectedBy: program)
    let view = try DumpView(program, constants: Self.constants(of: program, in: inventory))
    try output.print(view, lines: view.lines(raw: raw))
  }

  private static func constants(
    of program: ManagedProgram, in inventory: Inventory
  ) throws(StaticKeysError) -> [String: ValueStatus] {
    guard !program.template.immediates.isEmpty else { return [:] }
    let values = try ValueIndex(of: inventory, in: .id(program.id)).values.filter { $0.kind == .immediate }
    return Dictionary(values.map { ($0.variable, $0) }) { first, _ in first }
  }
}
