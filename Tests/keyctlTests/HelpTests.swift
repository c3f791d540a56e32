// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite struct HelpTests {
  private func help(_ arguments: String...) throws -> CommandResult {
    try run([Tools.built("keyctl")] + arguments, environment: ["COLUMNS": nil])
  }

  /// The argument parser pads some lines with spaces, which no source file should hold.
  private func trimmed(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0.reversed().drop { $0 == " " }.reversed()) }
      .joined(separator: "\n").trimmingSuffix("\n")
  }

  @Test("the command's own help, which has the exit statuses", arguments: [["--help"], ["-h"], ["help"], []])
  func root(arguments: [String]) throws {
    let result = try run([Tools.built("keyctl")] + arguments, environment: ["COLUMNS": nil])
    #expect(trimmed(result.stdout) == HelpTexts.root)
    #expect(result.status == 0)
    #expect(result.stderr == "")
  }

  @Test("each command's help", arguments: HelpTexts.commands.keys.sorted())
  func command(name: String) throws {
    for result in [try help(name, "--help"), try help("help", name)] {
      #expect(trimmed(result.stdout) == HelpTexts.commands[name])
      #expect(result.status == 0)
    }
  }

  @Test("the help of commands within commands", arguments: HelpTexts.nested.keys.sorted())
  func nested(name: String) throws {
    let words = name.split(separator: " ").map(String.init)
    let result = try run([Tools.built("keyctl")] + words + ["--help"], environment: ["COLUMNS": nil])
    #expect(trimmed(result.stdout) == HelpTexts.nested[name])
    #expect(result.status == 0)
  }

  @Test("every command that the help lists is tested above")
  func allCommands() throws {
    let listed = try help("--help").stdout.split(separator: "\n").drop { !$0.hasSuffix("SUBCOMMANDS:") }
      .filter { $0.hasPrefix("  ") && $0.dropFirst(2).first?.isLetter == true && !$0.contains("See '") }
      .compactMap { $0.split { $0 == " " || $0 == "," }.first.map(String.init) }
    #expect(Set(listed) == Set(HelpTexts.commands.keys))
  }

  @Test("completion scripts for each shell name the command", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) throws {
    let result = try help("--generate-completion-script", shell)
    #expect(result.status == 0)
    #expect(result.stdout.contains("keyctl") && result.stdout.contains("is-enabled"))
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: Character) -> String {
    String(reversed().drop { $0 == suffix }.reversed())
  }
}
