// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StaticKeys

/// `apply FILE`
struct Apply: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Bring keys and values into the state that a file says.",
    discussion: """
      The file is YAML or JSON:

        version: 1
        collections:
          flowmon:
            keys: {debug_events: on, "drop_*": off}
            values: {sample_rate: 100, "limits.rate[2]": 5, label: "lab"}

      on, true and yes are the same, as are off, false and no. Names may be patterns; of lines that contradict each \
      other, the later wins, and values come after keys. All of it is done or nothing; a line that matches nothing is \
      an error.
      """)

  @OptionGroup var options: ApplyOptions

  var outputOptions: OutputOptions { options.change.action.output }

  func run() throws { try options.run("apply") }
}
