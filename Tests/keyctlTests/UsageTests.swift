// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// A command line that makes no sense: one line on standard error, nothing on standard output, status 64.
@Suite struct UsageTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let told: String

    init(_ arguments: String..., told: String) {
      self.arguments = arguments
      self.told = told
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static let mistakes = [
    Mistake("frobnicate", told: "there is no command 'frobnicate'; see 'keyctl --help'"),
    Mistake("enabel", told: "there is no command 'enabel'; did you mean 'enable'?"),
    Mistake("enable", told: "Missing expected argument '<key> ...'; see 'keyctl enable --help'"),
    Mistake("show", told: "Missing expected argument '<key> ...'"),
    Mistake("is-enabled", "a", "b", told: "Unexpected argument 'b'; see 'keyctl is-enabled --help'"),
    Mistake("list", "--frob", told: "Unknown option '--frob'"),
    Mistake("enable", "", told: "write [COLLECTION/]KEY, neither of them empty"),
    Mistake("disable", "a/", told: "write [COLLECTION/]KEY, neither of them empty"),
    Mistake("toggle", "/b", told: "write [COLLECTION/]KEY, neither of them empty"),
    Mistake("list", "--prog", "flowmon", told: "write ID, id:N, name:N, tag:T or the path of a pin"),
    Mistake("dump", "id:x", told: "write ID, id:N, name:N, tag:T or the path of a pin"),
    Mistake("dump", told: "Missing expected argument '<prog>'"),
    Mistake("load", "x.o", "--attach", "kbrobe:f", told: "write [PROG=]HOOK, where HOOK is xdp:DEV[@NETNS]"),
    Mistake("load", "x.o", "--attach", "xdp:", told: "write [PROG=]HOOK"),
    Mistake("load", "x.o", "--attach", "xdp:eth0@", told: "write [PROG=]HOOK"),
    Mistake("load", "x.o", "--set", "key", told: "write [COLLECTION/]NAME=VALUE"),
    Mistake("load", "x.o", "--set", "c/key=on", told: "write NAME=VALUE"),
    Mistake("load", "x.o", "--set", "=on", told: "write [COLLECTION/]NAME=VALUE"),
    Mistake("load", "x.o", "--into", "c", "--replace", told: "--into names the collection and adds to it"),
    Mistake("load", "x.o", "--into", "c", "--name", "d", told: "--into names the collection and adds to it"),
    Mistake("load", "x.o", "--defaults", told: "--defaults goes with --into or --replace"),
    Mistake("load", "x.o", "--fresh-map", "m", told: "--fresh-map and --dry-run go with --replace"),
    Mistake("load", "x.o", "--into", "c", "-n", told: "--fresh-map and --dry-run go with --replace"),
    Mistake("apply", told: "Missing expected argument '<file>'"),
    Mistake("set", told: "Missing expected argument '<name=value> ...'"),
    Mistake("set", "mark", told: "write [COLLECTION/]NAME=VALUE"),
    Mistake("set", "c/=1", told: "write [COLLECTION/]NAME=VALUE"),
    Mistake("get", "c/", told: "write [COLLECTION/]NAME, neither of them empty"),
    Mistake("unload", told: "Missing expected argument '<collection>'"),
  ]

  @Test("one line", arguments: mistakes)
  func text(_ mistake: Mistake) throws {
    let result = try run([Tools.built("keyctl")] + mistake.arguments)
    #expect(result.status == 64)
    #expect(result.stdout == "")
    #expect(result.stderr.hasPrefix("keyctl: "))
    #expect(result.stderr.contains(mistake.told))
    #expect(result.stderr.split(separator: "\n").count == 1)
  }

  @Test("a JSON object", arguments: mistakes)
  func json(_ mistake: Mistake) throws {
    let result = try run([Tools.built("keyctl")] + mistake.arguments + ["--json"])
    #expect(result.status == 64)
    #expect(result.stdout == "")
    let error = try #require(try JSON(parsing: result.stderr)["error"])
    #expect(error.fields == ["code", "message", "errno", "advice", "place"])
    #expect(error["code"]?.string == "usage")
    #expect(error["errno"] == .null)
    let told = [error["message"]?.string, error["advice"]?.string].compactMap { $0 }.joined(separator: "; ")
    #expect(told.contains(mistake.told))
  }

  @Test("what follows -- is no option")
  func afterDashes() throws {
    let result = try keyctl("inspect", "--", "--json")
    #expect(result.status == 1)
    #expect(result.stderr == "keyctl: --json: No such file or directory\n")
  }

  @Test("output that cannot be written is an error")
  func fullDisk() throws {
    let result = try run(["sh", "-c", #""$0" probe >/dev/full"#, Tools.built("keyctl")])
    #expect(result.status == 74)
    #expect(result.stderr == "keyctl: cannot write the output: No space left on device\n")
  }
}
