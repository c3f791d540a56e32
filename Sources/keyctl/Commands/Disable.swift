// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `disable KEY…`
struct Disable: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Turn keys off; nothing to do where they are off.",
    discussion: """
      See '\(Invocation.name) help enable' for how it is done.
      """)

  @OptionGroup var options: FlipOptions

  var outputOptions: OutputOptions { options.change.action.output }

  func run() throws { try options.run(.disable) }
}
