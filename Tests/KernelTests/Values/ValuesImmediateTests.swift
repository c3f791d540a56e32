// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Constants in the immediates of instructions.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Immediates {
    /// What the fixture's `stores` has written into its map.
    private func sums(_ consts: Collection) throws -> [Int64] {
      _ = try consts.run("stores")
      return try BPF.u64s(BPF.open(pin: consts.pin("maps", "results")), at: 0).map { Int64(bitPattern: $0) }
    }

    @Test("each size and sign has its default, and then what was set", arguments: [14, 19])
    func sizes(clang: Int) throws {
      let consts = try Collection("consts", clang: clang)
      #expect(
        try sums(consts) == [
          200, -5, 0xffff, -70000, 0xdead_beef, Int64(bitPattern: 0xdead_beef_cafe_babe), -6_000_000_000,
        ])
      #expect(try consts.get("wide_signed") == "-6000000000")
      try consts.set(
        "tiny=255", "tiny_signed=-128", "small=0x8000", "medium_signed=2147483647", "medium=0xffffffff",
        "wide=0x8000000000000001", "wide_signed=-9223372036854775808")
      #expect(
        try sums(consts) == [
          255, -128, 0x8000, 2_147_483_647, 0xffff_ffff, Int64(bitPattern: 0x8000_0000_0000_0001), .min,
        ])
    }

    @Test(
      "all places of a constant change: subprograms of several programs, inlined copies, loops", arguments: [14, 19])
    func places(clang: Int) throws {
      let consts = try Collection("consts", clang: clang)
      let report = try consts.set("level=LEVEL_HIGH", "tiny=3")
      #expect(report.programs.count == 2)
      #expect(try consts.run("stores") == 5)
      #expect(try consts.run("branches") == 12)
      try consts.flip(.enable, "key")
      #expect(try consts.run("branches") == 105)
      try consts.set("flag=off")
      #expect(try consts.run("branches") == 50)
      try consts.flip(.enable, "flag", engine: Collection.engineForValues)
      #expect(try consts.run("branches") == 105)
      #expect(try consts.get("level") == "LEVEL_HIGH")
    }

    @Test("an object with constants loads with bpftool, with its defaults", arguments: [14, 19])
    func otherLoaders(clang: Int) throws {
      let folder = try PinFolder()
      let object = try Fixture.object("consts", clang: clang)
      _ = try Bpftool.text("prog", "loadall", object, folder.path)
      #expect(try BPF.testRun(pin: folder.pin("stores")) == 1)
      #expect(try BPF.testRun(pin: folder.pin("branches")) == 0)
    }

    @Test("the kernel's BTF tells where constants are", arguments: [14, 19])
    func tags(clang: Int) throws {
      let consts = try Collection("consts", clang: clang)
      let program = try #require(try consts.programs().first { $0.name == "branches" })
      let dump = try Bpftool.text("btf", "dump", "id", "\(program.btfID)")
      for site in program.template.immediates {
        #expect(dump.contains("'\(site.immediate.tag)'"), "\(site.immediate.tag)")
      }
      #expect(program.template.immediates.count { $0.name.rawValue == "tiny" } >= 2)
      #expect(dump.contains("static_const name=flag insn="))
    }

    @Test(
      "the two examples of the talk: a real packet's mark is what was set", .requires(kernel: "6.6", for: "tcx links"),
      arguments: [14, 19])
    func talk(clang: Int) throws {
      for (program, steps) in [
        ("marks_number", [("", 42), ("foo=7", 7), ("foo=0xdeadbeef", 0xdead_beef)]),
        ("marks_bytes", [("", 0x0302_0100), ("bar=[4, 3, 2, 1]", 0x0102_0304), ("bar[3]=0xff", 0xff02_0304)]),
      ] as [(String, [(String, UInt32)])] {
        let veth = try VethPair()
        let talk = try Collection(
          "talk", clang: clang,
          attach: ["\(program)=tcx-ingress:\(veth.receiverHook)", "counts_marks=tcx-ingress:\(veth.receiverHook)"])
        for (assignment, mark) in steps {
          if !assignment.isEmpty { try talk.set(assignment) }
          let before = try packets(talk, mark: mark)
          let all = try marks(talk).values.reduce(0, +)
          #expect(try UDPSender(in: veth.sender, count: 20).finish() == 20)
          #expect(
            eventually(within: .seconds(2)) { (try? packets(talk, mark: mark) - before) ?? 0 >= 20 },
            "\(program) \(assignment)")
          #expect(try marks(talk).values.reduce(0, +) - all == packets(talk, mark: mark) - before)
        }
      }
    }

    private func packets(_ talk: Collection, mark: UInt32) throws -> UInt64 { try marks(talk)[mark] ?? 0 }

    /// How many packets had which mark.
    private func marks(_ talk: Collection) throws -> [UInt32: UInt64] {
      let map = try BPF.open(pin: talk.pin("maps", "seen"))
      var found: [UInt32: UInt64] = [:]
      var key: UInt32 = 0
      var isFirst = true
      while true {
        var next: UInt32 = 0
        let status =
          isFirst ? bpf_map_get_next_key(map.rawValue, nil, &next) : bpf_map_get_next_key(map.rawValue, &key, &next)
        guard status == 0 else { return found }
        var count: UInt64 = 0
        if bpf_map_lookup_elem(map.rawValue, &next, &count) == 0 { found[next] = count }
        key = next
        isFirst = false
      }
    }
  }

  /// An object that somebody else made, as its package installs it.
  @Suite(.serialized, .requiresRoot, .censused)
  struct ForeignObject {
    /// xdp-tools' dispatcher: its `const volatile` configuration says how many programs it calls.
    private static func dispatcher() throws -> String {
      let machine = try run(["uname", "-m"]).checked().stdout.split(separator: "\n").first ?? ""
      return "/usr/lib/\(machine)-linux-gnu/bpf/xdp-dispatcher.o"
    }

    @Test("its settings are listed by type and changed live, and the verifier drops what they make dead")
    func dispatcher() throws {
      let foreign = try Collection(object: Self.dispatcher())
      let conf = try #require(try ValueIndex(of: Inventory.current()).values.first { $0.collection == foreign.name })
      #expect(conf.kind == .constant && conf.variable == "conf")
      #expect(conf.type.name == "struct xdp_dispatcher_config" && conf.type.size == 124)
      #expect(try foreign.get("conf.num_progs_enabled") == "0")
      #expect(try foreign.run("xdp_dispatcher") == 2)
      let short = try foreign.translatedLength("xdp_dispatcher")
      // A slot that nobody has filled answers 31, which goes on to the next program only if the configuration says so.
      let report = try foreign.set("conf.num_progs_enabled=2")
      #expect(report.programs.map(\.plan.template.name) == ["xdp_dispatcher"])
      #expect(try foreign.run("xdp_dispatcher") == 31)
      #expect(try foreign.translatedLength("xdp_dispatcher") > short)
      try foreign.set("conf.chain_call_actions[0]=0x80000000", "conf.chain_call_actions[1]=0x80000000")
      #expect(try foreign.run("xdp_dispatcher") == 2)
      #expect(try foreign.get("conf.chain_call_actions[1]") == "2147483648")
      let error = #expect(throws: StaticKeysError.self) { try foreign.set("conf.num_progs_enabled=256") }
      #expect(error?.message.contains("__u8 conf.num_progs_enabled") == true)
    }
  }
}
