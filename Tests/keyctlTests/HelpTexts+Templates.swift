// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  /// The texts of commands within commands, by both names.
  static let nested = [
    "template build": templateBuild,
    "template show": templateShow,
  ]

  static let template = """
    OVERVIEW: Make a template of an object, and look into one.

    A template file has all that loading needs: 'load' takes it like an object, and
    needs no ELF, no relocation and no compiler for it.

    USAGE: keyctl template <subcommand>

    OPTIONS:
      --version               Show the version.
      -h, --help              Show help information.

    SUBCOMMANDS:
      build                   Make a template of an object.
      show                    Show what is in a template.

      See 'keyctl help template <subcommand>' for detailed help.
    """

  static let templateBuild = """
    OVERVIEW: Make a template of an object.

    Only by loading an object does libbpf give away its relocated programs: it is
    loaded once, which takes root, and nothing of that stays. What an object has
    adjusted to the running kernel (CO-RE relocations, configuration, kernel
    functions) binds the template to this kernel; without any of it the template is
    good for all. The file is replaced as a whole or not at all.

    USAGE: keyctl template build <obj> --output <file> [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <obj>                   The object file.

    OPTIONS:
      -o, --output <file>     The file to write.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let templateShow = """
    OVERVIEW: Show what is in a template.

    Needs no privilege.

    USAGE: keyctl template show <file> [--json] [--verbose]

    ARGUMENTS:
      <file>                  The template file.

    OPTIONS:
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """
}
