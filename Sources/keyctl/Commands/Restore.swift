// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StaticKeys

/// `restore FILE`
struct Restore: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Bring keys and values back into the state that 'save' printed: the same as 'apply'.",
    discussion: """
      Keys that have come since then stay as they are. See '\(Invocation.name) help apply' for the file.
      """)

  @OptionGroup var options: ApplyOptions

  var outputOptions: OutputOptions { options.change.action.output }

  func run() throws { try options.run("restore") }
}
