// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  static let apply = """
    OVERVIEW: Bring keys and values into the state that a file says.

    The file is YAML or JSON:

      version: 1
      collections:
        flowmon:
          keys: {debug_events: on, "drop_*": off}
          values: {sample_rate: 100, "limits.rate[2]": 5, label: "lab"}

    on, true and yes are the same, as are off, false and no. Names may be patterns;
    of lines that contradict each other, the later wins, and values come after
    keys. All of it is done or nothing; a line that matches nothing is an error.

    USAGE: keyctl apply <file> [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <file>                  The file, or - for standard input.

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

  static let save = """
    OVERVIEW: Print the state of keys and values in the form that 'apply' and
    'restore' read.

    The output is YAML, and with --json JSON. Without a NAME it has all keys and
    constants; the variables of .data and .bss, which programs write themselves,
    only where they are named without * and ?. What cannot be set, such as pointers
    and floating-point numbers, is left out, and so is what some programs have and
    others have differently: then the exit status is 2. Both are told in a comment
    and on standard error.

    USAGE: keyctl save [<name> ...] [--prog <prog>] [--instance <instance>] [--json] [--verbose]

    ARGUMENTS:
      <name>                  [COLLECTION/]NAME; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let restore = """
    OVERVIEW: Bring keys and values back into the state that 'save' printed: the
    same as 'apply'.

    Keys that have come since then stay as they are. See 'keyctl help apply' for
    the file.

    USAGE: keyctl restore <file> [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <file>                  The file, or - for standard input.

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
}
