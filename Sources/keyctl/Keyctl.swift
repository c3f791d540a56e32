// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StaticKeys

/// The command: `keyctl`, installed as `bpf-keyctl`.
@main
struct Keyctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Invocation.name,
    abstract: "Flip static keys and set values in running BPF programs.",
    discussion: """
      A static key is a named switch that a BPF program's author defines with static_key.bpf.h. A program loaded by \
      '\(Invocation.name) load' carries all that it takes to flip its keys, so nothing else is needed, and no file kept.

      Of other values, constants ('const volatile' variables of any object) and variables can be set too, by their C \
      type.

      KEY is [COLLECTION/]KEY, and PROG is ID, id:N, name:N, tag:T or the path of a pin. * and ? match in names.

      EXIT STATUS:
      \(ExitStatus.table)

      This is not the keyctl of keyutils, which manages the kernel's keyrings.
      """,
    version: Invocation.versionLine,
    groupedSubcommands: [
      CommandGroup(name: "Collections", subcommands: [Load.self, Unload.self, GC.self]),
      CommandGroup(
        name: "Keys",
        subcommands: [List.self, Show.self, Enable.self, Disable.self, Toggle.self, IsEnabled.self]),
      CommandGroup(name: "States", subcommands: [Apply.self, Save.self, Restore.self]),
      CommandGroup(name: "Values", subcommands: [Get.self, SetValues.self]),
      CommandGroup(name: "Looking", subcommands: [Dump.self, Inspect.self, Annotate.self, Probe.self]),
      CommandGroup(name: "Templates", subcommands: [TemplateGroup.self]),
    ])

  static func main() {
    var verb: (any Verb)?
    do {
      try Invocation.refuseForeignVerbs(
        commands: configuration.subcommands.flatMap { [$0._commandName] + $0.configuration.aliases })
      var command = try parseAsRoot(Invocation.arguments)
      verb = command as? any Verb
      try command.run()
    } catch {
      let options = verb?.outputOptions
      Failure.exit(error, json: options?.json ?? Invocation.wantsJSON, verbose: options?.verbose ?? false)
    }
  }
}
