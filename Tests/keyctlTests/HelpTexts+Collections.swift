// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  static let load = """
    OVERVIEW: Load all programs of an object and attach those asked for.

    Programs, maps and links are pinned under /sys/fs/bpf/keyctl/NAME; bpffs is
    mounted if it is not. All of it is done or nothing.

    HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or
    cgroup:PATH. Where several programs could go to a hook, say which: PROG=HOOK.

    USAGE: keyctl load <obj> [--name <name>] [--attach <[prog=]hook> ...] [--set <key=on|off> ...] [--engine <engine>] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <obj>                   The object file.

    OPTIONS:
      --name <name>           The collection's name instead of the file's.
      --attach <[prog=]hook>  Attach a program; may be repeated.
      --set <key=on|off>      A key's first value instead of its default; may be
                              repeated.
      --engine <engine>       patch changes programs in place, on kernels with the
                              proposed interface; auto does so where it can.
                              (values: auto, patch, reload; default: auto)
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let unload = """
    OVERVIEW: Detach and unpin all of a collection; nothing stays behind.

    USAGE: keyctl unload <collection> [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <collection>            The name under which it was loaded.

    OPTIONS:
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let list = """
    OVERVIEW: List the keys of all running programs.

    The columns are collection, key, state (on, off or mixed), the author's
    default, and how many programs and sites the key has. A program whose template
    cannot be read is told on standard error.

    USAGE: keyctl list [<key> ...] [--prog <prog>] [--json] [--verbose]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let show = """
    OVERVIEW: Show keys with their programs and every site.

    INSN and TARGET count instructions of 8 bytes from the start of the function,
    as the BTF tags do. A site jumps or is a nop: an unlikely one jumps when its
    key is on, a likely one when it is off.

    USAGE: keyctl show <key> ... [--prog <prog>] [--json] [--verbose]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

    OPTIONS:
      --prog <prog>           Only these programs: ID, id:N, name:N, tag:T or the
                              path of a pin.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      --version               Show the version.
      -h, --help              Show help information.
    """
}
