// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `toggle KEY…`
struct Toggle: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Turn keys that are on off, and those that are off on.",
    discussion: """
      Two who toggle at once take turns. A key that is on in some programs and off in others is refused: enable or \
      disable it. See '\(Invocation.name) help enable' for how it is done.
      """)

  @OptionGroup var options: FlipOptions

  var outputOptions: OutputOptions { options.change.action.output }

  func run() throws { try options.run(.toggle) }
}
