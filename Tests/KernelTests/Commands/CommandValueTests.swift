// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// `get`, `set`, and what other commands say about values.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandValues {
    @Test("get prints what set takes: names with or without a path, the value alone, all of a collection")
    func get() throws {
      let values = try Collection("values")
      let name = values.name
      #expect(
        try keyctl("get", "\(name)/verdict", "\(name)/limits.rate[2]", "\(name)/device").checked().stdout
          == "\(name)/verdict=2\n\(name)/limits.rate[2]=3\n\(name)/device=\"eth0\"\n")
      #expect(try keyctl("get", "--value", "\(name)/mode").checked().stdout == "MODE_DROP\n")
      let all = try keyctl("get", "\(name)/*").checked().stdout.split(separator: "\n").map(String.init)
      #expect(all.count == 14 && all.allSatisfy { $0.hasPrefix("\(name)/") })
      for line in all where !line.contains("ratio=") {
        #expect(try keyctl("set", "-n", line).checked().stdout.contains(": already "), "\(line)")
      }
      let missing = try keyctl("get", "\(name)/verdit")
      #expect(missing.status == 4 && missing.stderr.contains("did you mean \(name)/verdict?"))
    }

    @Test("set tells what changed, how, and where; a second time there is nothing to do")
    func set() throws {
      let values = try Collection("values")
      let consts = try Collection("consts")
      let first = try keyctl("set", "\(values.name)/limits.rate[2]=7").checked().stdout.split(separator: "\n")
      let line = try Regex("\(values.name)/limits\\.rate\\[2\\]: 3 -> 7 \\(constant, 3 programs, \\d+\\.\\d ms\\)")
      #expect(first.first?.wholeMatch(of: line) != nil)
      #expect(first.count == 4)
      #expect(
        try keyctl("set", "\(values.name)/limits.rate[2]=7").checked().stdout
          == "\(values.name)/limits.rate[2]: already 7\n")
      let several = try keyctl(
        "set", "\(values.name)/threshold=3", "\(consts.name)/level=LEVEL_HIGH", "\(consts.name)/key=on"
      ).checked().stdout
      #expect(several.contains("\(values.name)/threshold: 10 -> 3 (variable, in place)\n"))
      #expect(several.contains("\(consts.name)/level: LEVEL_LOW -> LEVEL_HIGH (immediate, 2 programs)\n"))
      #expect(several.contains("\(consts.name)/key: off -> on (1 program, 1 site)\n"))
      #expect(several.contains("\nin all: 2 programs, 1 site, "))
      #expect(try keyctl("set", "-q", "\(values.name)/verdict=1").checked().stdout == "")
      #expect(try keyctl("set", "--engine", "patch", "\(values.name)/verdict=2").status == 3)
      #expect(try keyctl("get", "--value", "\(values.name)/verdict").checked().stdout == "1\n")
    }

    @Test("what is wrong with a value is told in one line, with its type, and the status tells the kind")
    func failures() throws {
      let values = try Collection("values")
      let name = values.name
      for (assignment, status, told) in [
        ("verdict=4294967296", 1, "__u32 verdict: '4294967296' is out of range; it holds 0 to 4294967295"),
        ("limits.rat=1", 4, "struct limits limits has no member 'rat'; did you mean rate?"),
        ("verdik=1", 4, "no key or value matches '\(name)/verdik'; did you mean \(name)/verdict?"),
        ("mode=OTHER", 1, "enum mode mode: 'OTHER' is none of its names; it has MODE_PASS, MODE_DROP, MODE_NEGATIVE"),
        (
          "device=0123456789abcdef", 1,
          "char device[16]: the text is 16 bytes long, and with its ending 0 at most 16 fit"
        ),
        (
          "verdict=007", 1,
          "__u32 verdict: '007' has a leading zero, which C takes for octal; write it in decimal, or in hex with 0x"
        ),
      ] {
        let result = try keyctl("set", "\(name)/\(assignment)")
        #expect(result.status == status && result.stdout == "", "\(result)")
        #expect(result.stderr == "keyctl: \(told)\n")
      }
    }

    @Test("where a whole is shown, a part of it counts as that; one that does not exist is told")
    func parts() throws {
      let values = try Collection("values")
      let (name, part) = ("\(values.name)/limits", "\(values.name)/limits.rate[2]")
      #expect(try keyctl("list", part).checked().stdout == keyctl("list", name).checked().stdout)
      #expect(try keyctl("show", part, "\(values.name)/lim*.low").checked().stdout.hasPrefix("\(name): {low=-2, "))
      #expect(try keyctl("save", part).checked().stdout == keyctl("save", name).checked().stdout)
      // A variable is saved where it is named in full, and so where a part of it is.
      let live = try keyctl("save", "\(values.name)/live.low").checked().stdout
      #expect(try live.contains("live: ") && live == keyctl("save", "\(values.name)/live").checked().stdout)
      for verb in ["list", "show", "save"] {
        let missing = try keyctl(verb, "\(name).nosuch")
        #expect(missing.status == 4 && missing.stderr.contains("has no member 'nosuch'"))
      }
    }

    @Test("save leaves out what cannot be set and tells it; restore takes the rest")
    func unsettable() throws {
      let values = try Collection("values")
      let saved = try keyctl("save", "\(values.name)/*")
      #expect(saved.status == 0 && saved.stdout.contains("      # ratio: cannot be set\n"))
      #expect(saved.stdout.contains("limits: \"{low=-2, ") && !saved.stdout.contains("cookie"))
      let warning = "value \(values.name)/ratio: it cannot be set, and is left out"
      #expect(saved.stderr == "keyctl: warning: \(warning)\n")
      let json = try keyctl("save", "\(values.name)/ratio", "--json")
      #expect(try json.status == 0 && JSON(parsing: json.stderr)["warning"]?["message"]?.string == warning)
      try keyctl("set", "\(values.name)/verdict=9", "\(values.name)/limits.low=1").checked()
      try run([Tools.built("keyctl"), "restore", "-q", "-"], input: saved.stdout).checked()
      #expect(try keyctl("save", "\(values.name)/*").stdout == saved.stdout)
    }

    @Test("list and is-enabled have constants beside keys; dump, show and inspect mark immediates")
    func elsewhere() throws {
      let consts = try Collection("consts")
      let values = try Collection("values", values: ["debug=on"])
      let rows = try keyctl("list", "\(consts.name)/*", "\(values.name)/*").checked().stdout.split(separator: "\n")
        .map { $0.split(separator: " ").map(String.init) }
      #expect(rows.contains([consts.name, "key", "off", "off", "1", "1", "key", "pin"]))
      #expect(rows.contains([consts.name, "flag", "on", "on", "1", "1", "immediate", "pin"]))
      #expect(rows.contains([values.name, "debug", "on", "-", "3", "0", "constant", "pin"]))
      #expect(rows.contains([values.name, "threshold", "10", "-", "1", "0", "variable", "pin"]))
      #expect(try keyctl("is-enabled", "\(values.name)/debug").status == 0)
      #expect(
        try keyctl("disable", "\(values.name)/debug").checked().stdout.contains(
          "debug: on -> off (constant, 3 programs"))
      #expect(try keyctl("is-enabled", "\(values.name)/debug").status == 1)

      let dump = try keyctl("dump", consts.pin("progs", "stores")).checked().stdout
      #expect(dump.contains("= -5  ; constant __s8 tiny_signed = -5\n"))
      #expect(dump.contains("= 0xdeadbeefcafebabe ll  ; constant __u64 wide = 16045690984503098046\n"))
      let shown = try keyctl("show", "\(consts.name)/level").checked().stdout
      #expect(
        shown.hasPrefix(
          "\(consts.name)/level: LEVEL_LOW (immediate enum level level, default LEVEL_LOW, 2 programs, 2 places)\n"))
      #expect(shown.contains("in_subprogram") && shown.contains("static_const(level)"))
      let inspected = try keyctl("inspect", Fixture.object("consts", clang: 14)).checked().stdout
      #expect(
        inspected.contains("bool flag") && inspected.contains("enum level level") && inspected.contains("-6000000000"))
    }
  }
}
