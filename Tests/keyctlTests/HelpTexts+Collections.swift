// SPDX-License-Identifier: Apache-2.0

extension HelpTexts {
  static let load = """
    OVERVIEW: Load all programs of an object or template and attach those asked
    for.

    Programs, maps and links are pinned under /sys/fs/bpf/keyctl/NAME; bpffs is
    mounted if it is not. All of it is done or nothing.

    HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or
    cgroup:PATH; or one of raw_tp:NAME, tp:CATEGORY/NAME, kprobe:FUNC[+OFFSET],
    kretprobe:FUNC, uprobe:FILE:FUNC[+OFFSET], uretprobe:FILE:FUNC,
    perf-event:NAME[@HZ], fentry, fexit, fmod_ret, lsm and tp_btf, whose place is
    in the program. "auto" goes where the program's section says. Where several
    programs could go to a hook, say which: PROG=HOOK.

    The hooks from raw_tp on cannot replace a program: there keyctl puts a slot, a
    small program that tail-calls the one that is in it. --via slot does so at any
    hook, which makes a flip quicker; --via link nowhere.

    With --into or --replace, keys start with the values they have in the
    collection, and maps of the same name and shape are shared with all they hold.
    --replace puts each program wherever the one of its name hangs; programs that
    the object lacks go, and those it adds are attached where --attach says. Where
    it was killed, every hook has the old program or the new, and the same command
    completes it.

    An instance is one of many programs made of one file, with values, maps and
    hooks of its own, pinned under instances/ there. It is added to the collection
    if that is loaded. In --set and --attach {i} stands for its name.

    USAGE: keyctl load [<options>] <file>

    ARGUMENTS:
      <file>                  The object file or template.

    OPTIONS:
      --name <name>           The collection's name instead of the file's.
      --attach <[prog=]hook>  Attach a program; may be repeated.
      --via <way>             By what programs hang on their hooks. (values: auto,
                              link, slot; default: auto)
      --set <name=value>      A first value instead of the object's, as 'set' takes
                              it; may be repeated.
      --instance <name>       Add an instance of this name to the collection; may
                              be repeated.
      --instances <n>         Add so many, called 0, 1, 2 and so on.
      --share-map <map>       A map that is the collection's, not each instance's;
                              may be repeated; * and ? match.
      --into <collection>     Add the programs to a collection that runs.
      --replace               Put the programs in the place of those of the
                              collection that runs.
      --defaults              With --into or --replace: start keys with the
                              object's values, not the collection's.
      --fresh-map <map>       With --replace: start this map anew; may be repeated.
      -n, --dry-run           With --replace: load and verify, tell what would
                              happen, and change nothing.
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

    USAGE: keyctl unload <collection> [--instance <instance>] [--json] [--verbose] [--quiet]

    ARGUMENTS:
      <collection>            The name under which it was loaded.

    OPTIONS:
      --instance <instance>   Only these instances, and the collection with its
                              last one; * and ? match.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """

  static let list = """
    OVERVIEW: List the keys and values of all running programs.

    The columns are collection, key, state (on, off or mixed; of a number or text
    its value), the author's default, how many programs and sites it has, its kind:
    a static key, an immediate (static_const), a constant ('const volatile') or a
    variable; and how its programs hang, such as 'xdp link + pin', or 'nothing'. A
    program whose template cannot be read is told on standard error.

    USAGE: keyctl list [<key> ...] [--prog <prog>] [--instance <instance>] [--json] [--verbose]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

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

  static let show = """
    OVERVIEW: Show keys and values with their programs and every site.

    INSN and TARGET count instructions of 8 bytes from the start of the function,
    as the BTF tags do. A site jumps or is a nop: an unlikely one jumps when its
    key is on, a likely one when it is off. An immediate has the instructions that
    hold it.

    USAGE: keyctl show <key> ... [--prog <prog>] [--instance <instance>] [--json] [--verbose]

    ARGUMENTS:
      <key>                   [COLLECTION/]KEY; * and ? match.

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

  static let gc = """
    OVERVIEW: Remove what killed commands and vanished devices left.

    That is: directories of loads that were not completed, collections without a
    program, pinned links whose device or cgroup is gone, instances all of whose
    links are so and whose programs hang nowhere else, and pins PATH__new of a
    program, tracing link or map beside PATH. Nothing else is touched, and no hook
    loses its program. Other commands need none of this: they find their way past
    it, and complete what they can.

    USAGE: keyctl gc [--dry-run] [--json] [--verbose] [--quiet]

    OPTIONS:
      -n, --dry-run           Tell what would be removed or completed, and change
                              nothing.
      -j, --json              Print JSON, errors too (field names: docs/json.md).
      -v, --verbose           Show the verifier's whole log where it refuses a
                              program.
      -q, --quiet             Print nothing but errors.
      --version               Show the version.
      -h, --help              Show help information.
    """
}
