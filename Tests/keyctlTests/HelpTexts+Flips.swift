// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  static let enable = """
    OVERVIEW: Turn keys on; nothing to do where they are on.

    All sites of a key flip in all programs that have it, or none does. A program
    is put in the old one's place in a single step: no packet is missed, and its
    maps stay. Where the verifier refuses the new state, the old goes on.

    USAGE: keyctl enable <key> ... [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      --engine <engine>       patch changes programs in place, on kernels with the
                              proposed interface; auto does so where it can.
                              (values: auto, patch, reload; default: auto)
      -n, --dry-run           Load and verify what would run, print the plan, and
                              change nothing.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let disable = """
    OVERVIEW: Turn keys off; nothing to do where they are off.

    See 'keyctl help enable' for how it is done.

    USAGE: keyctl disable <key> ... [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      --engine <engine>       patch changes programs in place, on kernels with the
                              proposed interface; auto does so where it can.
                              (values: auto, patch, reload; default: auto)
      -n, --dry-run           Load and verify what would run, print the plan, and
                              change nothing.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let toggle = """
    OVERVIEW: Turn keys that are on off, and those that are off on.

    Two who toggle at once take turns. A key that is on in some programs and off in
    others is refused: enable or disable it. See 'keyctl help enable' for how it is
    done.

    USAGE: keyctl toggle <key> ... [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      --engine <engine>       patch changes programs in place, on kernels with the
                              proposed interface; auto does so where it can.
                              (values: auto, patch, reload; default: auto)
      -n, --dry-run           Load and verify what would run, print the plan, and
                              change nothing.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let isEnabled = """
    OVERVIEW: Tell by the exit status whether a key is on: 0 on, 1 off, 2 mixed.

    Where KEY matches several keys, they are on or off only if all of them are.

    USAGE: keyctl is-enabled <key> [--prog <prog>] [--instance <instance>] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """
}
