// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  static let dump = """
    OVERVIEW: Show a program's instructions as loaded, with every site marked.

    These are the instructions that the kernel was given, in the state that runs
    now; 'bpftool prog dump xlated' shows what it made of them. Numbers count
    instructions of 8 bytes from the start of the program.

    USAGE: keyctl dump <prog> [--raw] [--json] [--verbose]

    ARGUMENTS:
      <prog>                  ID, id:N, name:N, tag:T or the path of a pin.

    OPTIONS:
      --raw                   Show the bytes too.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let inspect = """
    OVERVIEW: Show an object's keys and sites without loading it.

    Offsets count instructions of 8 bytes from the start of the function. Needs no
    privilege.

    USAGE: keyctl inspect <obj> [--json] [--verbose]

    ARGUMENTS:
      <obj>                   The object file.

    OPTIONS:
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let annotate = """
    OVERVIEW: Describe an object's sites in its BTF.

    Each site gets a declaration tag on its function, which 'bpftool btf dump'
    shows. The file is replaced as a whole or not at all; a second run changes
    nothing. 'load' does the same in memory. Needs no privilege.

    USAGE: keyctl annotate <obj> [--output <out>] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <obj>                   The object file.

    OPTIONS:
      -o, --output <out>      Write to this file instead.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let probe = """
    OVERVIEW: Tell what this kernel offers and which engine would be used.

    Without privilege it tells what it can; the rest is 'could not tell'.

    USAGE: keyctl probe [--json] [--verbose]

    OPTIONS:
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """
}
