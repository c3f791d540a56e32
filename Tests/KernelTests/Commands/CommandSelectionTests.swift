// SPDX-License-Identifier: Apache-2.0

import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Which keys and programs the command takes what it is told for.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandSelection {
    @Test("a collection gets the file's name up to its first dot; its key needs no collection where it is the only one")
    func defaultName() throws {
      let object = try UniqueKeyObject()
      let loaded = try object.load()
      #expect(loaded.output.stdout.hasPrefix("loaded \(object.name): 4 programs, 0 maps, 2 keys, under "))
      #expect(CollectionStore().names().contains(object.name))
      #expect(try keyctl("is-enabled", object.key).status == 1)
      let enabled = try keyctl("enable", object.key)
      #expect(enabled.status == 0 && enabled.stdout.hasPrefix("\(object.name)/\(object.key): off -> on (2 programs"))
      #expect(try keyctl("is-enabled", object.key).status == 0)
      #expect(try loaded.run("false_likely") == 1 && loaded.run("false_unlikely") == 1)
    }

    @Test("a plain key that two collections have is refused and both are named; */KEY flips both")
    func severalCollections() throws {
      let object = try UniqueKeyObject()
      let one = try object.load()
      let two = try object.load(as: Collection.newName())
      let both = [one, two]
      let plain = try keyctl("enable", object.key)
      #expect(plain.status == 1)
      for collection in both { #expect(plain.stderr.contains("\(collection.name)/\(object.key)")) }
      #expect(plain.stderr.contains("*/\(object.key)"), "how to mean all of them")
      for collection in both { #expect(try collection.run("false_unlikely") == 2) }

      let all = try keyctl("enable", "*/\(object.key)").checked().stdout
      for collection in both {
        #expect(all.contains("\(collection.name)/\(object.key): off -> on"))
        #expect(try collection.run("false_unlikely") == 1)
      }
      #expect(all.contains("in all: 4 programs, 4 sites, "))

      try keyctl("disable", "\(one.name)/\(object.key)").checked()
      #expect(try one.run("false_unlikely") == 2 && two.run("false_unlikely") == 1)
      let asked = try keyctl("is-enabled", "*/\(object.key)")
      #expect(asked.status == 2 && asked.stdout == "mixed\n")
    }

    @Test("a plain name that is a key here and a constant there is refused as well", .requiresCompiler)
    func keyAndConstant() throws {
      let object = try UniqueKeyObject()
      let key = try object.load()
      let compiled = try CompiledObject(
        version: "#define PROGRAMS P(0, first)", then: "const volatile _Bool \(object.key) = 0;")
      let constant = try Collection(object: compiled.path)
      let names = [key.name, constant.name].map { "\($0)/\(object.key)" }
      for verb in ["enable", "disable", "toggle", "is-enabled", "list", "show"] {
        let plain = try keyctl(verb, object.key)
        #expect(plain.status == 1 && plain.stdout == "")
        for name in names { #expect(plain.stderr.contains(name), "\(verb)") }
      }
      func completions(of verb: String) throws -> [String] {
        try keyctl("---completion", verb, "--", "positional@0", "0", "0", verb).checked().stdout
          .split(separator: "\n").map(String.init)
      }
      for verb in ["enable", "list"] {
        let offered = try completions(of: verb)
        #expect(Set(names).isSubset(of: offered) && !offered.contains(object.key))
      }
      try keyctl("enable", "*/\(object.key)").checked()
      for name in names { #expect(try keyctl("is-enabled", name).status == 0) }
      try CollectionStore().remove(constant.name)
      #expect(try keyctl("disable", object.key).status == 0)
      #expect(try completions(of: "enable").contains(object.key))
    }

    @Test("a key and a constant of one name in one collection need a pattern; save leaves both out")
    func oneNameTwice() throws {
      let collection = try Collection(VersionedObject("one"))
      try collection.add(VersionedObject("second-constant"))
      let plain = try keyctl("enable", "\(collection.name)/deny")
      #expect(plain.status == 1 && plain.stderr.contains("\(collection.name)/deny (static key), "))
      #expect(plain.stderr.contains("\(collection.name)/deny (bool deny, .rodata+"))
      let saved = try keyctl("save", "\(collection.name)/*").checked().stdout.split(separator: "\n")
      #expect(saved.count { $0 == "      # deny: cannot be set" } == 2)
      #expect(!saved.contains("    keys:") && saved.contains("      base: 0"))
      try keyctl("enable", "\(collection.name)/den?").checked()
      #expect(try collection.run("first") == 1 && collection.run("second") == 1)
    }

    @Test("a name that is nearly a key's gets a hint, with and without its collection")
    func didYouMean() throws {
      let object = try UniqueKeyObject()
      let loaded = try object.load()
      for typed in [String(object.key.dropLast()), "\(loaded.name)/\(object.key)x"] {
        let result = try keyctl("enable", typed)
        #expect(result.status == 4 && result.stdout == "")
        let told = "keyctl: no key matches '\(typed)'; did you mean \(loaded.name)/\(object.key)"
        #expect(result.stderr.hasPrefix(told), "\(result)")
      }
    }

    @Test(
      "what matches nothing is an error, never all, and stops what else was asked for",
      arguments: ["enable", "disable", "toggle"])
    func nothingMatches(verb: String) throws {
      let four = try Collection("four")
      let before = try four.programs().map(\.id)
      let key = "\(four.name)/key_false"
      let attempts: [[String]] = [
        ["\(four.name)/nosuch"], ["\(four.name)/nosuch*"], ["\(four.name)/key_?"], ["no_such_\(four.name)/*"],
        [key, "\(four.name)/nosuch"], [key, "--prog", "id:4294967295"], [key, "--prog", "name:no_such_program"],
        [key, "--prog", "tag:0000000000000000"], [key, "--prog", four.pin("progs", "nosuch")],
        [key, "--prog", "name:true_likely"],
      ]
      for attempt in attempts {
        let result = try run([Tools.built("keyctl"), verb] + attempt + ["--json"])
        #expect(result.status == 4 && result.stdout == "", "\(result)")
        let error = try JSON(parsing: result.stderr)["error"]
        #expect(error?["code"]?.string == "not_found", "\(result)")
      }
      #expect(try four.programs().map(\.id) == before)
    }

    @Test("--prog narrows to one program", arguments: ["ID", "id:", "name:", "tag:", "pin"])
    func narrowing(by kind: String) throws {
      let four = try Collection("four")
      let key = "\(four.name)/key_false"
      let listed = try JSON(parsing: keyctl("list", key, "--json").checked().stdout)[0]
      let program = try #require(listed?["programs"]?.array.first { $0["name"]?.string == "false_unlikely" })
      let id = try #require(program["id"]?.int)
      #expect(try BPF.programID(pin: four.pin("progs", "false_unlikely")) == UInt32(id))
      let selector =
        switch kind {
        case "ID": "\(id)"
        case "id:": "id:\(id)"
        case "name:": "name:false_unl?kely"
        case "tag:": "tag:\(try #require(program["tag"]?.string))"
        default: four.pin("progs", "false_unlikely")
        }
      let told = try keyctl("enable", key, "--prog", selector).checked().stdout
      #expect(told.hasPrefix("\(key): off -> on (1 program, 1 site, "), "\(told)")
      #expect(try four.run("false_unlikely") == 1 && four.run("false_likely") == 2)
      #expect(try four.state("key_false") == .mixed)
      let pin = four.pin("progs", "false_unlikely")
      #expect(try keyctl("list", key, "--prog", pin).checked().stdout.contains(" on "))
    }

    @Test("patterns in both parts; one that matches several keys takes all of them once")
    func patterns() throws {
      let four = try Collection("four")
      let other = try Collection("four")
      let text = try keyctl("toggle", "\(four.name)/key_*", "\(four.name)/key_fals?").checked().stdout
      #expect(text.split(separator: "\n").count { $0.hasPrefix("\(four.name)/") } == 2)
      #expect(try four.state("key_true") == .off && four.state("key_false") == .on)
      #expect(try other.state("key_true") == .on && other.state("key_false") == .off)
    }

    @Test("dump of a name that two collections have names both and their ids")
    func ambiguousProgram() throws {
      let one = try Collection("nokeys")
      let two = try Collection("nokeys")
      let programs = try one.programs() + two.programs()
      let name = try #require(programs.first).name
      let result = try keyctl("dump", "name:\(name)")
      #expect(result.status == 1 && result.stdout == "")
      for program in programs {
        #expect(result.stderr.contains("\(program.instance.collection)/\(name) id:\(program.id)"), "\(result)")
      }
    }

    @Test("a hook that several programs could have needs PROG=")
    func attachNamed() throws {
      let veth = try VethPair()
      let object = try Fixture.object("four", clang: 19)
      let hook = "xdp:\(veth.receiverHook)"
      let refused = try keyctl("load", object, "--name", Collection.newName(), "--attach", hook)
      #expect(refused.status == 1)
      #expect(refused.stderr.contains("several programs can go to \(hook)"))
      #expect(refused.stderr.contains("say which: true_likely=\(hook)"))
      let loaded = try LoadedByCommand(object, as: Collection.newName(), options: ["--attach", "true_likely=\(hook)"])
      #expect(loaded.output.stdout.hasSuffix("  true_likely attached to \(hook)\n"))
      let link = "\(CollectionStore.directory(of: loaded.name))/links/true_likely_0"
      #expect(try BPF.linkedProgramID(pin: link) == BPF.programs(named: "true_likely").last)
    }
  }
}
