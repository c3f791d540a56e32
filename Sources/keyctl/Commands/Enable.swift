// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `enable KEY…`
struct Enable: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Turn keys on; nothing to do where they are on.",
    discussion: """
      All sites of a key flip in all programs that have it, or none does. A program is put in the old one's place in a \
      single step: no packet is missed, and its maps stay. Where the verifier refuses the new state, the old goes on.
      """)

  @OptionGroup var options: FlipOptions

  var outputOptions: OutputOptions { options.change.action.output }

  func run() throws { try options.run(.enable) }
}
