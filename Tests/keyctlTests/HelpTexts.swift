// SPDX-License-Identifier: Apache-2.0

/// What `--help` prints, word for word: a change of it is to be seen in a review.
enum HelpTexts {
  static let root = """
    OVERVIEW: Flip static keys and set values in running BPF programs.

    A static key is a named switch that a BPF program's author defines with
    static_key.bpf.h. A program loaded by 'keyctl load' carries all that it takes
    to flip its keys, so nothing else is needed, and no file kept.

    Of other values, constants ('const volatile' variables of any object) and
    variables can be set too, by their C type.

    KEY is [COLLECTION/]KEY, and PROG is ID, id:N, name:N, tag:T or the path of a
    pin. * and ? match in names.

    EXIT STATUS:
       0  done, or already so; is-enabled: on
       1  failed, nothing was changed; is-enabled: off
       2  is-enabled, save: on in some programs, off in others
       3  this kernel, or what a program hangs on, does not allow it
       4  no such key, value, program or collection
       5  no permission; the message names the missing capability
       6  only some of the programs were changed
      64  the command line makes no sense
      74  done, but the result could not be written

    This is not the keyctl of keyutils, which manages the kernel's keyrings.

    USAGE: keyctl <subcommand>

    OPTIONS:
      --version               Show the version.
      -h, --help              Show help information.

    COLLECTIONS SUBCOMMANDS:
      load                    Load all programs of an object or template and attach
                              those asked for.
      unload                  Detach and unpin all of a collection; nothing stays
                              behind.
      gc                      Remove what killed commands and vanished devices left.

    KEYS SUBCOMMANDS:
      list, ls                List the keys and values of all running programs.
      show                    Show keys and values with their programs and every
                              site.
      enable                  Turn keys on; nothing to do where they are on.
      disable                 Turn keys off; nothing to do where they are off.
      toggle                  Turn keys that are on off, and those that are off on.
      is-enabled              Tell by the exit status whether a key is on: 0 on, 1
                              off, 2 mixed.

    STATES SUBCOMMANDS:
      apply                   Bring keys and values into the state that a file says.
      save                    Print the state of keys and values in the form that
                              'apply' and 'restore' read.
      restore                 Bring keys and values back into the state that 'save'
                              printed: the same as 'apply'.

    VALUES SUBCOMMANDS:
      get                     Print the values of keys, constants and variables.
      set                     Set constants, variables and keys; all of them, or
                              none.

    LOOKING SUBCOMMANDS:
      dump                    Show a program's instructions as loaded, with every
                              site marked.
      inspect                 Show an object's keys and sites without loading it.
      annotate                Describe an object's sites in its BTF.
      probe                   Tell what this kernel offers and which engine would
                              be used.

    TEMPLATES SUBCOMMANDS:
      template                Make a template of an object, and look into one.

      See 'keyctl help <subcommand>' for detailed help.
    """

  /// The texts of all commands, by their names.
  static let commands = [
    "load": load,
    "unload": unload,
    "gc": gc,
    "list": list,
    "show": show,
    "enable": enable,
    "disable": disable,
    "toggle": toggle,
    "is-enabled": isEnabled,
    "apply": apply,
    "save": save,
    "restore": restore,
    "get": get,
    "set": set,
    "dump": dump,
    "inspect": inspect,
    "annotate": annotate,
    "probe": probe,
    "template": template,
  ]
}
