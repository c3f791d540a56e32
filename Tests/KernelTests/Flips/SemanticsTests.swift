// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// What a key means, by BPF_PROG_TEST_RUN.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Semantics {
    private static let programs = ["true_likely", "true_unlikely", "false_likely", "false_unlikely"]

    /// Which arm each program of the fixture takes: 1 is the enabled one.
    private func arms(_ collection: Collection) throws -> [UInt32] {
      try Self.programs.map { try collection.run($0) }
    }

    @Test("default and layout are independent, as in jump_label's table", arguments: [14, 19])
    func fourCombinations(clang: Int) throws {
      let four = try Collection("four", clang: clang)
      #expect(try arms(four) == [1, 1, 2, 2])
      try four.flip(.enable, "key_false")
      #expect(try arms(four) == [1, 1, 1, 1])
      try four.flip(.disable, "key_true")
      #expect(try arms(four) == [2, 2, 1, 1])
      try four.flip(.toggle, "key_*")
      #expect(try arms(four) == [1, 1, 2, 2])
    }

    @Test("a site is a jump iff its key is enabled XOR it is likely, in the instructions that were loaded")
    func siteStates() throws {
      let four = try Collection("four", set: [("key_false", true)])
      for program in try four.programs() {
        let site = try #require(program.template.sites.first)
        #expect(program.instance.values[site.key] == true)
        #expect(site.branch.layout.state(enabled: true) == (program.name.hasSuffix("_likely") ? .nop : .jump))
      }
    }

    @Test("keys set at load are in force from the first run")
    func settings() throws {
      let four = try Collection("four", set: [("key_*", true), ("key_true", false)])
      #expect(try arms(four) == [2, 2, 1, 1])
      #expect(try four.state("key_true") == .off)
      #expect(try four.state("key_false") == .on)
    }

    @Test("enable and disable are idempotent and change no program the second time")
    func idempotent() throws {
      let four = try Collection("four")
      let first = try four.flip(.enable, "key_false")
      #expect(first.programs.map(\.plan.template.name).sorted() == ["false_likely", "false_unlikely"])
      let ids = try four.programs().map(\.id)
      let second = try four.flip(.enable, "key_false")
      #expect(second.programs.isEmpty)
      #expect(second.keys.map(\.from) == [.on] && second.keys.map(\.to) == [.on])
      #expect(try four.programs().map(\.id) == ids)
    }

    @Test(
      "a flip takes all sites in main, static and global subprograms, inlined copies and loops", arguments: [14, 19])
    func everySite(clang: Int) throws {
      let subprogs = try Collection("subprogs", clang: clang)
      let program = try #require(try subprogs.programs().first)
      #expect(Set(program.template.sites.map(\.function)).count >= 3)
      let off = try subprogs.run(program.name)
      let report = try subprogs.flip(.enable, "*")
      #expect(report.programs.flatMap(\.plan.changes).count == program.template.sites.count)
      let on = try subprogs.run(program.name)
      #expect(on != off)
      try subprogs.flip(.disable, "*")
      #expect(try subprogs.run(program.name) == off)
    }

    @Test("a key flips in every program that has it, also of another type")
    func severalPrograms() throws {
      let multi = try Collection("multi")
      #expect(try multi.run("multi_xdp") == 2 && multi.run("multi_tc") == 0)
      let report = try multi.flip(.enable, "deny")
      #expect(report.programs.count == 2)
      #expect(try multi.run("multi_xdp") == 1 && multi.run("multi_tc") == 2)
      #expect(try multi.state("deny") == .on)
      #expect(try multi.state("count_xdp") == .off)
      #expect(try multi.state("count_tc") == .on)
    }

    @Test("maps keep their content over a flip")
    func mapsStay() throws {
      let multi = try Collection("multi")
      _ = try multi.run("multi_tc")
      try multi.flip(.enable, "deny")
      try multi.flip(.enable, "count_xdp")
      _ = try multi.run("multi_tc")
      _ = try multi.run("multi_xdp")
      let hits = try BPF.open(pin: multi.pin("maps", "hits"))
      #expect(try BPF.u64(hits, at: 1) == 2)
      #expect(try BPF.u64(hits, at: 0) == 1)
    }

    @Test("a key defined in one object and declared in another is one key after linking", arguments: [14, 19])
    func sharedKey(clang: Int) throws {
      let share = try Collection("share", clang: clang)
      let before = try share.programs().map { try share.run($0.name) }
      let report = try share.flip(.enable, "*")
      #expect(report.keys.count == 1)
      #expect(try share.programs().count == 2)
      #expect(report.programs.count == 2)
      let after = try share.programs().map { try share.run($0.name) }
      #expect(zip(before, after).allSatisfy { $0 != $1 })
    }

    @Test("a key all of whose sites have an empty region flips too, by a reload", arguments: [14, 19])
    func emptyRegions(clang: Int) throws {
      let empty = try Collection("empty", clang: clang)
      #expect(try empty.flip(.enable, "both").programs.count == 1)
      #expect(try empty.state("both") == .on && empty.state("empty") == .off && empty.run("hollow") == 1)
      for (action, state) in [(KeyAction.enable, KeyStatus.State.on), (.toggle, .off)] {
        let report = try empty.flip(action, "empty", engine: Collection.engineForValues)
        #expect(report.programs.map(\.engine) == [.reload])
        #expect(try empty.state("empty") == state && empty.state("both") == .on)
      }
      #expect(try empty.run("hollow") == 1)
    }

    @Test("an enabled arm that the verifier refuses leaves every program as it was, and names the C line")
    func refusedArm() throws {
      let badarm = try Collection("badarm", engine: .reload)
      let before = try badarm.programs().map(\.id)
      let error = #expect(throws: StaticKeysError.self) { try badarm.flip(.enable, "badarm") }
      #expect(error?.code == .verifier)
      #expect(error?.message.contains("invalid access to packet") == true)
      #expect(error?.place.source?.hasPrefix("badarm.bpf.c:") == true)
      #expect(error?.verifierLog?.contains("processed") == true)
      #expect(try badarm.programs().map(\.id) == before)
      #expect(try badarm.state("badarm") == .off)
      #expect(try badarm.run("good") == 2)
      try badarm.flip(.enable, "harmless")
      #expect(try badarm.run("bad") == 1)
    }

    @Test("a dry run verifies and changes nothing")
    func dryRun() throws {
      let badarm = try Collection("badarm", engine: .reload)
      let before = try badarm.programs().map(\.id)
      #expect(throws: StaticKeysError.self) { try badarm.flip(.enable, "badarm", dryRun: true) }
      let report = try badarm.flip(.enable, "harmless", dryRun: true)
      #expect(report.programs.count == 1)
      #expect(try badarm.programs().map(\.id) == before)
    }
  }
}
