// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLibBPF

/// The root of the command line.
@main
struct Keyctl: ParsableCommand {
  /// The version of the command and its libraries.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: InvocationName.current,
    abstract: "Static keys of BPF programs: list them, flip them, load programs that have them.",
    discussion: """
      A KEY is [COLLECTION/]KEY; * and ? match. A program is ID, id:N, name:N, tag:T or a path in bpffs.

      EXIT STATUS
        0   done, or so already
        1   failed, nothing was changed
        2   the key is on in some programs and off in others (is-enabled)
        3   this kernel, or this kind of attachment, cannot do it
        4   no such key, program, collection, device or file
        5   a capability is missing; the message names it
        6   partly applied; the message says what stands
        64  the command line makes no sense

      This is not the keyctl of keyutils, which manages the kernel's key rings.
      """,
    version: "\(InvocationName.current) (StaticKeys) \(version), libbpf \(libraryVersion)",
    subcommands: [
      Load.self, Unload.self, List.self, Show.self, Enable.self, Disable.self, Toggle.self, IsEnabled.self,
      Annotate.self, Inspect.self, Dump.self, Probe.self,
    ])

  private static var libraryVersion: String { "\(libbpf_major_version()).\(libbpf_minor_version())" }

  static func main() {
    bufferStandardOutputByLine()
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let first = arguments.first, InvocationName.keyutilsVerbs.contains(first) {
      Failure.exit(
        message: "'\(first)' is a keyutils command; this is the BPF static-key tool", status: .usage)
    }
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      Failure.exit(error, arguments: arguments)
    }
  }
}
