// SPDX-License-Identifier: Apache-2.0

/// The commands for values.
extension HelpTexts {
  static let get = """
    OVERVIEW: Print the values of keys, constants and variables.

    NAME is [COLLECTION/]NAME with a path into it where one is wanted, as C writes
    it: limits.rate[2]. * and ? match in collection and name. Each line is
    NAME=VALUE, as 'set' takes it. Without a NAME all values are printed.

    USAGE: keyctl get [<name> ...] [--value] [--prog <prog>] [--instance <instance>] [--json] [--verbose]

    ARGUMENTS:
      <name>                  [COLLECTION/]NAME[PATH]; * and ? match.

    OPTIONS:
      --value                 Print the values alone.
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      --instance <instance>   Only these instances of a collection; * and ? match.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let set = """
    OVERVIEW: Set constants, variables and keys; all of them, or none.

    VALUE is a number in decimal or hex (0x2a), on or off, an enum's name, a text,
    [1, 2] for an array or {a=1, b=2} for a struct. What its C type cannot hold is
    refused.

    'get' and 'list' tell the kinds. A constant ('const volatile' in C, or
    static_const) is known to the verifier: its programs are loaded again with the
    new value, on the same maps, and put in the old ones' place. A variable is
    written in place. A key's value is on or off.

    USAGE: keyctl set <name=value> ... [--prog <prog>] [--instance <instance>] [--engine <engine>] [--dry-run] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <name=value>            [COLLECTION/]NAME[PATH]=VALUE, where a path is as in
                              C: limits.rate[2].

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
