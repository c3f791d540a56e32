// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The texts follow the name that the command is called by.
@Suite struct NameTests {
  /// Runs the command through a link of this name.
  private func run(as name: String, _ arguments: String...) throws -> CommandResult {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file(name), withDestinationPath: try Tools.built("keyctl"))
    return try TestSupport.run([folder.file(name)] + arguments)
  }

  @Test(
    "the name is keyctl or bpf-keyctl",
    arguments: [("keyctl", "keyctl"), ("bpf-keyctl", "bpf-keyctl"), ("skey", "bpf-keyctl")])
  func names(called: String, shown: String) throws {
    let version = try run(as: called, "--version")
    #expect(version.status == 0)
    #expect(version.stdout.firstMatch(of: /^(\S+) \(StaticKeys\) \d+\.\d+\.\d+, libbpf \d+\.\d+\n$/)?.1 ?? "" == shown)
    #expect(try run(as: called, "--help").stdout.contains("USAGE: \(shown) <subcommand>"))
    #expect(try run(as: called, "enable", "--help").stdout.contains("USAGE: \(shown) enable <key>"))
    #expect(try run(as: called, "inspect", "/nosuch").stderr.hasPrefix("\(shown): /nosuch: "))
    #expect(try run(as: called, "enable").stderr.contains("see '\(shown) enable --help'"))
  }

  @Test(
    "a verb of keyutils' keyctl is told apart from a mistyped one",
    arguments: ["add", "request2", "newring", "describe", "pkey_sign", "unlink", "session", "get_persistent", "watch"])
  func keyutils(verb: String) throws {
    let result = try keyctl(verb, "user", "name", "@u")
    #expect(result.status == 64)
    #expect(result.stdout == "")
    #expect(result.stderr.hasPrefix("keyctl: '\(verb)' is a keyutils command; this is the BPF static-key tool"))
  }
}
