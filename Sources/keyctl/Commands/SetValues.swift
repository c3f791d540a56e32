// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `set NAME=VALUE…`
struct SetValues: Verb {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Set constants, variables and keys; all of them, or none.",
    discussion: """
      VALUE is a number in decimal or hex (0x2a), on or off, an enum's name, a text, [1, 2] for an array or {a=1, b=2} \
      for a struct. What its C type cannot hold is refused.

      'get' and 'list' tell the kinds. A constant ('const volatile' in C, or static_const) is known to the verifier: \
      its programs are loaded again with the new value, on the same maps, and put in the old ones' place. A variable \
      is written in place. A key's value is on or off.
      """)

  @Argument(
    help: ArgumentHelp(
      "[COLLECTION/]NAME[PATH]=VALUE, where a path is as in C: limits.rate[2].", valueName: "name=value"),
    completion: .custom { words, index, prefix in Selection.liveValues(words, index, prefix).map { "\($0)=" } },
    transform: Selection.assignment)
  var assignments: [Assignment]

  @OptionGroup var options: ChangeOptions

  var outputOptions: OutputOptions { options.action.output }

  func run() throws {
    try options.run("set") { changer in
      try changer.apply(
        assignments.map { .value($0.pattern, $0.text) }, in: options.selection.program, engine: options.engine.engine,
        dryRun: options.dryRun)
    }
  }
}

/// A value that something is to get.
struct Assignment: Sendable {
  let pattern: ValuePattern
  let text: String
}
