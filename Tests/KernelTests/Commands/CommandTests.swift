// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// What the command prints, by what the kernel and bpftool say.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Command {
    @Test("load, list, show, enable, toggle, dump, unload: a whole session")
    func session() throws {
      let veth = try VethPair()
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      let hook = "xdp:\(veth.receiverHook)"
      let object = try Fixture.object("multi", clang: 19)
      let loaded = try JSON(
        parsing: keyctl(
          "load", object, Collection.engineOption, "--name", name, "--attach", hook, "--set", "count_*=on",
          "--set", "count_tc=off", "--json"
        ).checked().stdout)
      #expect(
        loaded.fields == [
          "collection", "directory", "added", "programs", "maps", "shared_maps", "keys", "links",
        ])
      #expect(
        loaded["links"]
          == .array([
            .object([
              "instance": .null, "program": .string("multi_xdp"), "hook": .string(hook), "via": .string("link"),
            ])
          ]))
      #expect(loaded["keys"]?.array.map { $0["state"]?.string } == ["off", "on", "off"])
      let ids = loaded["programs"]?.array.compactMap { $0["id"]?.int } ?? []
      #expect(ids.map { BPF.name(of: .program, id: UInt32($0)) } == ["multi_xdp", "multi_tc"])

      let listed = try keyctl("list", "\(name)/*").checked().stdout.split(separator: "\n")
      #expect(
        listed.map { line in
          line.split(separator: " ", maxSplits: 7).map { $0.trimmingCharacters(in: .whitespaces) }
        } == [
          ["COLLECTION", "KEY", "STATE", "DEFAULT", "PROGRAMS", "SITES", "KIND", "HANGS ON"],
          [name, "count_tc", "off", "on", "1", "1", "key", "pin"],
          [name, "count_xdp", "on", "off", "1", "1", "key", "xdp link + pin"],
          [name, "deny", "off", "off", "2", "2", "key", "xdp link + pin, pin"],
        ])

      let enabled = try JSON(parsing: keyctl("enable", "\(name)/deny", "--json").checked().stdout)
      let new = enabled["programs"]?.array.compactMap { $0["new_id"]?.int } ?? []
      #expect(enabled["programs"]?.array.compactMap { $0["id"]?.int } == ids)
      #expect((new == ids) == Collection.flipsInPlace)
      let link = "/sys/fs/bpf/keyctl/\(name)/links/multi_xdp_0"
      #expect(try BPF.linkedProgramID(pin: link) == new.first.map { UInt32($0) })

      #expect(try keyctl("toggle", "-q", "\(name)/deny").checked().stdout == "")
      #expect(try keyctl("is-enabled", "\(name)/deny").status == 1)

      let unloaded = try keyctl("unload", name).checked().stdout
      #expect(unloaded == "unloaded \(name): 4 pins removed\n")
      #expect(try !BPF.ids(of: .program).contains { ids.contains(Int($0)) || new.contains(Int($0)) })
    }

    @Test("enable and disable tell what they did, and say so where there is nothing to do")
    func flipText() throws {
      let multi = try Collection("multi")
      let key = "\(multi.name)/deny"
      let old = try multi.programs().map(\.id)
      let first = try keyctl("enable", key).checked().stdout.split(separator: "\n").map(String.init)
      let new = try multi.programs().map(\.id)
      #expect(
        try first.first?.wholeMatch(of: Regex("\(key): off -> on \\(2 programs, 2 sites, \\d+\\.\\d ms\\)")) != nil)
      #expect((old == new) == Collection.flipsInPlace)
      for (old, new) in zip(old, new) {
        let told = Collection.flipsInPlace ? "  program \(old) \(multi.name)/" : "  program \(old) -> \(new) "
        #expect(first.contains { $0.hasPrefix(told) && $0.hasSuffix(": in place") == Collection.flipsInPlace })
      }
      #expect(first.count == 3)

      #expect(try keyctl("enable", key).checked().stdout == "\(key): already on\n")
      #expect(try multi.programs().map(\.id) == new)
      let several = try keyctl("disable", key, "\(multi.name)/count_*").checked().stdout
      #expect(several.contains("\(key): on -> off (2 programs, 2 sites)\n"))
      #expect(several.contains("\(multi.name)/count_xdp: already off\n"))
      #expect(several.contains("in all: 2 programs, 3 sites, "))
    }

    @Test("-n loads and verifies, prints the plan site by site, and changes nothing")
    func dryRun() throws {
      let multi = try Collection("multi")
      let before = try multi.programs().map(\.id)
      let site = try #require(try multi.programs().first?.template.sites.first { $0.key.rawValue == "deny" })
      let text = try keyctl("enable", "-n", "\(multi.name)/deny").checked().stdout
      #expect(text.contains("insn \(site.branch.insn): off 0 -> \(site.jumpOffset) (deny, nop -> jump)\n"))
      #expect(text.hasSuffix("nothing was changed: this was a dry run, with everything loaded and verified\n"))
      let json = try JSON(parsing: keyctl("enable", "-n", "\(multi.name)/deny", "--json").checked().stdout)
      #expect(
        json.fields == ["action", "dry_run", "duration_ms", "keys", "values", "programs", "still_held"])
      #expect(json["dry_run"]?.bool == true)
      let program = try #require(json["programs"]?[0])
      #expect(
        program.fields == ["collection", "instance", "name", "id", "new_id", "engine", "places", "sites"])
      #expect(program["new_id"] == .null)
      #expect(
        program["sites"]?[0]?.fields == [
          "key", "function", "insn", "target", "program_insn", "from", "to", "old_off", "new_off",
        ])
      #expect(try multi.programs().map(\.id) == before)
      #expect(try multi.state("deny") == .off)

      let bad = try Collection("badarm", engine: .reload)
      #expect(try keyctl("enable", "-n", "\(bad.name)/badarm").status == 1)
    }

    @Test("show tells where programs hang and where each site is")
    func show() throws {
      let veth = try VethPair()
      let multi = try Collection("multi", attach: ["xdp:\(veth.receiverHook)"])
      let json = try JSON(parsing: keyctl("show", "\(multi.name)/deny", "--json").checked().stdout)
      let key = try #require(json[0])
      #expect(key.fields == ["collection", "key", "kind", "state", "default", "programs", "sites"])
      let places = key["programs"]?.array.first { $0["name"]?.string == "multi_xdp" }?["attachments"]?.array ?? []
      #expect(places.contains { $0.string?.hasPrefix("xdp link") == true })
      #expect(places.contains(.string("pin \(multi.pin("progs", "multi_xdp"))")))
      let site = try #require(key["sites"]?.array.first { $0["program"]?.string == "multi_xdp" })
      #expect(
        site.fields == [
          "program_id", "program", "function", "insn", "target", "program_insn", "likely", "state", "enabled", "source",
        ])
      #expect(site["source"]?["text"]?.string?.contains("static_branch_unlikely(&deny)") == true)
      #expect(site["source"]?["file"]?.string?.hasSuffix("multi.bpf.c") == true)

      let text = try keyctl("show", "\(multi.name)/deny").checked().stdout
      #expect(text.hasPrefix("\(multi.name)/deny: off (default off, 2 programs, 2 sites)\n"))
      #expect(text.contains("  unlikely  nop (off)  multi.bpf.c:"))
    }

    @Test("dump marks exactly the sites that show lists, in the state that runs")
    func dump() throws {
      let subprogs = try Collection("subprogs", set: [("steps", true)])
      let program = try #require(try subprogs.programs().first)
      let dump = try JSON(parsing: keyctl("dump", "id:\(program.id)", "--json").checked().stdout)
      let lines = dump["instructions"]?.array ?? []
      let slots = lines.compactMap { $0["bytes"]?.string?.split(separator: " ").count }.reduce(0, +) / 8
      #expect(slots == program.template.instructions.count)
      let shown = try JSON(parsing: keyctl("show", "\(subprogs.name)/steps", "--json").checked().stdout)[0]?["sites"]
      let sites = lines.filter { $0["site"] != nil }
      #expect(sites.map { $0["insn"] } == shown?.array.map { $0["program_insn"] })
      #expect(sites.count == 6)
      for line in sites {
        #expect(line["site"]?["state"]?.string == "jump")
        let jump = Collection.flipsInPlace ? "goto_or_nop pc+" : "goto pc+"
        #expect(line["text"]?.string?.contains(jump) == true)
      }
      #expect(
        lines.compactMap { $0["function"]?.string }.sorted() == ["in_global", "in_loop", "in_static", "subprogs"])

      let text = try keyctl("dump", "--raw", subprogs.pin("progs", "subprogs")).checked().stdout
      #expect(text.contains("; static branch steps on, unlikely: jumps to "))
      #expect(text.contains("\nin_static:\n"))
      #expect(text.contains("b7 00 00 00 00 00 00 00\n"))
      #expect(text.contains("; if (static_branch_unlikely(&steps)) @ subprogs.bpf.c:"))
    }
  }
}
