// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// How the command was called.
enum Invocation {
  /// The version of the command and its libraries.
  static let version = "0.1.0"

  /// The name to use in texts. keyutils owns `keyctl` on many machines, so whatever is not called so is `bpf-keyctl`.
  static let name = called(CommandLine.arguments.first ?? "") == "keyctl" ? "keyctl" : "bpf-keyctl"

  /// What `--version` prints.
  static var versionLine: String {
    let libbpf = libbpf_version_string().map { String(cString: $0) } ?? "of unknown version"
    return "\(name) (StaticKeys) \(version), libbpf \(libbpf.drop { $0 == "v" })"
  }

  /// The arguments after the name.
  static var arguments: [String] { Array(CommandLine.arguments.dropFirst()) }

  /// Whether errors are to be JSON, told before the arguments are parsed since parsing may be what fails.
  static var wantsJSON: Bool { arguments.prefix { $0 != "--" }.contains { $0 == "--json" || $0 == "-j" } }

  /// Refuses a first word that is no command, above all the verbs of keyutils' command of the same name.
  static func refuseForeignVerbs(commands: [String]) throws(StaticKeysError) {
    guard let verb = arguments.first, !verb.hasPrefix("-"), !commands.contains(verb), verb != "help" else { return }
    guard !keyutilsVerbs.contains(verb) else {
      throw StaticKeysError(
        .usage, "'\(verb)' is a keyutils command; this is the BPF static-key tool",
        advice: "for the kernel's keyrings run /usr/bin/keyctl of the package keyutils")
    }
    let near = commands.filter { EditDistance.isNear($0, verb) }.map { "'\($0)'" }
    throw StaticKeysError(
      .usage, "there is no command '\(verb)'",
      advice: near.isEmpty ? "see '\(name) --help'" : "did you mean \(near.joined(separator: " or "))?")
  }

  private static func called(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

  /// Those that this command does not have itself.
  private static let keyutilsVerbs: Set<String> = [
    "add", "chgrp", "chown", "clear", "describe", "dh_compute", "dh_compute_kdf", "dh_compute_kdf_oi",
    "get_persistent", "id", "instantiate", "invalidate", "link", "move", "negate", "new_session", "newring", "padd",
    "pinstantiate", "pipe", "pkey_decrypt", "pkey_encrypt", "pkey_query", "pkey_sign", "pkey_verify", "prequest2",
    "print", "prlist", "pupdate", "purge", "rdescribe", "read", "reap", "reject", "request", "request2",
    "restrict_keyring", "revoke", "rlist", "search", "security", "session", "setperm", "supports", "timeout", "unlink",
    "update", "watch", "watch_add", "watch_rm", "watch_session",
  ]
}
