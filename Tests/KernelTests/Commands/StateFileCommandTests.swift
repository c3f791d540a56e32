// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// `apply`, `save` and `restore`.
  @Suite(.serialized, .requiresRoot, .censused)
  struct StateFileCommands {
    /// A file that lives as long as the folder.
    private func file(_ text: String, in folder: TemporaryFolder) throws -> String {
      try folder.write(Array(text.utf8), to: "state.yaml")
    }

    private func states(of collection: Collection) throws -> [String: String] {
      var states: [String: String] = [:]
      for key in try Inventory.current().keys() where key.collection == collection.name {
        states[key.key.name.rawValue] = key.state.rawValue
      }
      return states
    }

    @Test("apply brings many keys of several collections into the file's state, and what was so already is told")
    func apply() throws {
      let (multi, four) = (try Collection("multi"), try Collection("four"))
      let text = """
        version: 1
        collections:
          \(multi.name):
            keys: {"*": off, deny: on, "count_?dp": yes}
          "\(four.name.dropLast())?":
            keys: {key_false: off}
        """
      let folder = try TemporaryFolder()
      let done = try keyctl("apply", file(text, in: folder)).checked().stdout
      #expect(try states(of: multi) == ["deny": "on", "count_xdp": "on", "count_tc": "off"])
      #expect(try states(of: four) == ["key_false": "off", "key_true": "on"])
      #expect(done.contains("\(multi.name)/deny: off -> on (2 programs, 2 sites)\n"))
      #expect(done.contains("\(four.name)/key_false: already off\n"))
      #expect(try multi.run("multi_xdp") == 1)
    }

    @Test("apply -n changes nothing, --prog narrows, and - is standard input")
    func options() throws {
      let multi = try Collection("multi")
      let text = "{version: 1, collections: {\(multi.name): {keys: {deny: on}}}}"
      let before = try multi.programs().map(\.id)
      let dry = try run([Tools.built("keyctl"), "apply", "-n", "-"], input: text).checked()
      #expect(dry.stdout.hasSuffix("with everything loaded and verified\n"))
      #expect(try multi.programs().map(\.id) == before)
      let narrowed = ["restore", "-", "--prog", "name:multi_tc", "--engine", "reload"]
      try run([Tools.built("keyctl")] + narrowed, input: text).checked()
      #expect(try multi.run("multi_tc") == 2 && multi.run("multi_xdp") == 2)
      #expect(try multi.state("deny") == .mixed)
    }

    @Test("every line that matches nothing is told, and nothing is changed")
    func unmatched() throws {
      let multi = try Collection("multi")
      let folder = try TemporaryFolder()
      let text = """
        version: 1
        collections:
          \(multi.name):
            keys:
              deny: on
              denny: on
          nosuch_\(multi.name):
            keys: {"*": off}
        """
      let path = try file(text, in: folder)
      let result = try keyctl("apply", path)
      #expect(result.status == 4)
      #expect(
        result.stderr == """
          keyctl: \(path): line 6: no key matches '\(multi.name)/denny'; line 8: no key matches 'nosuch_\(multi.name)/*'; \
          did you mean \(multi.name)/deny?; 'list' shows the keys there are\n
          """)
      #expect(try multi.state("deny") == .off)
    }

    @Test("a state that the verifier refuses leaves all other keys as they were")
    func refused() throws {
      let (bad, multi) = (try Collection("badarm", engine: .reload), try Collection("multi"))
      let text = """
        version: 1
        collections:
          \(multi.name): {keys: {"*": on}}
          \(bad.name): {keys: {badarm: on}}
        """
      let folder = try TemporaryFolder()
      let before = try multi.programs().map(\.id)
      #expect(try keyctl("apply", file(text, in: folder)).status == 1)
      #expect(try multi.programs().map(\.id) == before && bad.state("badarm") == .off)
    }

    @Test("save, a change, restore: the same bytes again")
    func roundTrip() throws {
      let (multi, four) = (try Collection("multi", set: [("count_xdp", true)]), try Collection("four"))
      let patterns = ["\(multi.name)/*", "\(four.name)/*"]
      let saved = try run([Tools.built("keyctl"), "save"] + patterns).checked().stdout
      #expect(
        saved == """
          version: 1
          collections:
            \(multi.name):
              keys:
                count_tc: on
                count_xdp: on
                deny: off
            \(four.name):
              keys:
                key_false: off
                key_true: on

          """)
      let json = try run([Tools.built("keyctl"), "save", "--json"] + patterns).checked().stdout
      for text in [saved, json] {
        try multi.flip(.toggle, "*")
        try four.flip(.enable, "*")
        #expect(try keyctl("save", patterns[0]).checked().stdout != saved)
        try run([Tools.built("keyctl"), "restore", "-q", "-"], input: text).checked()
        #expect(try run([Tools.built("keyctl"), "save"] + patterns).checked().stdout == saved)
      }
    }

    @Test("a mixed key is left out of what is saved, in so many words, and restore leaves it as it is")
    func mixed() throws {
      let multi = try Collection("multi")
      try keyctl("enable", "-q", "\(multi.name)/deny", "--prog", "name:multi_tc", "--engine", "reload").checked()
      let saved = try keyctl("save", "\(multi.name)/*")
      #expect(saved.status == 2)
      #expect(saved.stdout.hasSuffix("      count_xdp: off\n      # deny: mixed\n"))
      let told = "key \(multi.name)/deny: it is on in some programs and off in others, and left out"
      #expect(saved.stderr == "keyctl: warning: \(told)\n")
      try run([Tools.built("keyctl"), "restore", "-"], input: saved.stdout).checked()
      #expect(try keyctl("save", "\(multi.name)/*").stdout == saved.stdout)
    }

    @Test("files that make no sense end with 1 and say where; an empty wish is none")
    func badFiles() throws {
      let folder = try TemporaryFolder()
      let path = try file("version: 1\ncollections:\n  c: {keys: {a: 5}}\n", in: folder)
      let result = try keyctl("apply", path)
      #expect(result.status == 1 && result.stderr == "keyctl: \(path):3: 'a' must be on or off, not '5'\n")
      let none = try run([Tools.built("keyctl"), "apply", "-"], input: "version: 1\ncollections: {}\n")
      #expect(none.status == 0 && none.stdout == "")
    }

    private func settings(of collections: Collection...) throws -> [String] {
      try collections.flatMap { collection in
        try keyctl("get", "\(collection.name)/*").checked().stdout.split(separator: "\n").map(String.init)
      }
    }

    @Test("save prints keys and constants, and restore brings all of them back as one transaction")
    func values() throws {
      let (values, consts) = (try Collection("values"), try Collection("consts"))
      let folder = try TemporaryFolder()
      let before = try settings(of: values, consts)
      let names = ["\(values.name)/*", "\(values.name)/threshold", "\(consts.name)/*"]
      func save(_ options: String...) throws -> String {
        try run([Tools.built("keyctl"), "save"] + options + names).checked().stdout
      }
      let (saved, json) = (try save(), try save("--json"))
      let change = [
        "\(values.name)/limits.rate[2]=7", "\(values.name)/device=\"wlan\\\"0\"", "\(values.name)/mode=MODE_NEGATIVE",
        "\(values.name)/threshold=3", "\(values.name)/debug=on", "\(consts.name)/level=LEVEL_HIGH",
        "\(consts.name)/key=on",
      ]
      try run([Tools.built("keyctl"), "set"] + change).checked()
      #expect(try settings(of: values, consts) != before)
      let other = try save()
      let programs = Set(try values.programs().map(\.id) + consts.programs().map(\.id))
      #expect(try keyctl("restore", "-n", file(saved, in: folder)).checked().stdout.contains("limits: "))
      #expect(Set(try values.programs().map(\.id) + consts.programs().map(\.id)) == programs)
      try keyctl("restore", file(saved, in: folder)).checked()
      #expect(try settings(of: values, consts) == before)
      try keyctl("restore", file(other, in: folder)).checked()
      #expect(try keyctl("get", "--value", "\(values.name)/device").checked().stdout == "\"wlan\\\"0\"\n")
      try keyctl("restore", file(json, in: folder)).checked()
      #expect(try settings(of: values, consts) == before)
      // What programs count themselves is no configuration: it is saved on demand alone.
      #expect(saved.contains("threshold: 10\n") && !saved.contains("packets:"))
      let all = try keyctl("save").checked().stdout
      #expect(all.contains("verdict: 2\n") && !all.contains("threshold:"))
    }

    @Test("a value of the wrong type in a file is told with its line, and neither keys nor values are changed")
    func wrongValue() throws {
      let (values, consts) = (try Collection("values"), try Collection("consts"))
      let before = try settings(of: values, consts)
      let folder = try TemporaryFolder()
      let text = """
        version: 1
        collections:
          \(consts.name): {keys: {key: on}, values: {level: LEVEL_HIGH}}
          \(values.name):
            values:
              limits: {rate: [5, 6, 7, 8]}
              verdict: 4294967296
        """
      let path = try file(text, in: folder)
      let failed = try keyctl("apply", path)
      #expect(failed.status == 1)
      #expect(failed.stderr.contains("\(path):7: ") && failed.stderr.contains("'4294967296' is out of range"))
      #expect(try settings(of: values, consts) == before)
      try keyctl("apply", file(text.replacing("4294967296", with: "1"), in: folder)).checked()
      #expect(try keyctl("get", "--value", "\(values.name)/limits.rate").checked().stdout == "[5, 6, 7, 8]\n")
      #expect(try keyctl("get", "--value", "\(consts.name)/level").checked().stdout == "LEVEL_HIGH\n")
      #expect(try consts.state("key") == .on)
    }
  }
}
