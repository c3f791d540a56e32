// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import TestSupport
import Testing

extension KernelTests.Patch {
  /// flowmon, loaded by the command on a veth.
  private struct Flowmon {
    let veth: VethPair
    let collection: LoadedByCommand

    init() throws {
      veth = try VethPair()
      collection = try LoadedByCommand(
        Fixture.existing("Examples/flowmon.bpf.o"), as: Collection.newName(),
        options: ["--attach", "xdp:\(veth.receiverHook)"])
    }

    func pin(_ part: String, _ entry: String) -> String {
      "\(CollectionStore.directory(of: collection.name))/\(part)/\(entry)"
    }

    /// The packets that `accounting` has counted for UDP.
    func countedUDP() throws -> Int {
      let counters = try Bpftool.json("map", "dump", "pinned", pin("maps", "counters")).array
      let udp = counters.first { $0["formatted"]?["key"]?.string == "PROTOCOL_UDP" }
      return udp?["formatted"]?["value"]?["packets"]?.int ?? 0
    }
  }

  @Test("flowmon's keys flip under traffic: no packet is uncounted, and the program stays what it is")
  func flowmon() throws {
    let flowmon = try Flowmon()
    let name = flowmon.collection.name
    let program = try BPF.open(pin: flowmon.pin("progs", "flowmon"))
    let before = try BPF.info(program, bpf_prog_info())
    let receiver = try UDPReceiver(in: flowmon.veth.receiver)
    let sender = UDPSender(in: flowmon.veth.sender)
    for verb in ["enable", "disable", "enable", "disable", "enable"] {
      let told = try keyctl(verb, "\(name)/debug_events", "\(name)/flow_trace").checked().stdout
      #expect(told.contains("  program \(before.id) \(name)/flowmon: in place"), "\(told)")
      #expect(try keyctl("is-enabled", "\(name)/flow_trace").status == (verb == "enable" ? 0 : 1))
      #expect(try BPF.linkedProgramID(pin: flowmon.pin("links", "flowmon_0")) == before.id)
    }
    let sent = try sender.stop()
    let dropped = try flowmon.veth.droppedPackets()
    let arrived = sent - dropped
    try #require(arrived > 100)
    #expect(eventually(within: .seconds(5)) { (try? flowmon.countedUDP()) == arrived }, "\(arrived) arrived")
    #expect(try receiver.finish(expecting: arrived).repeated.isEmpty)
    let flows = try Bpftool.json("map", "dump", "pinned", flowmon.pin("maps", "flows")).array
    let traced = flows.compactMap { $0["formatted"]?["value"]?["packets"]?.int }.reduce(0, +)
    #expect(traced > 0 && traced < arrived, "flow_trace was on for some of the packets: \(traced)")

    // With accounting off the same program counts nothing.
    try keyctl("disable", "\(name)/accounting").checked()
    #expect(try UDPSender(in: flowmon.veth.sender, count: 100).finish() == 100)
    #expect(try flowmon.countedUDP() == arrived)
    let after = try BPF.info(program, bpf_prog_info())
    #expect(after.id == before.id && after.load_time == before.load_time && hex(after.tag) == hex(before.tag))
    #expect(after.verified_insns == before.verified_insns && after.nr_map_ids == before.nr_map_ids)
    #expect(try BPF.programs(named: "flowmon") == [before.id])
  }

  private func hex(_ tag: some Any) -> [UInt8] { withUnsafeBytes(of: tag) { Array($0) } }

  @Test("BPF_PROG_TEST_RUN gives the other answer after each command", arguments: [14, 19])
  func answers(clang: Int) throws {
    let four = try LoadedByCommand(Fixture.object("four", clang: clang), as: Collection.newName())
    let programs = ["true_likely", "true_unlikely", "false_likely", "false_unlikely"]
    let ids = try programs.map { try BPF.programID(pin: "\(CollectionStore.directory(of: four.name))/progs/\($0)") }
    for (command, answers) in [
      (["enable", "key_false"], [1, 1, 1, 1]), (["disable", "key_true"], [2, 2, 1, 1]),
      (["toggle", "key_false"], [2, 2, 2, 2]), (["enable", "key_true"], [1, 1, 2, 2]),
    ] {
      try keyctl(command[0], "\(four.name)/\(command[1])").checked()
      #expect(try programs.map { try four.run($0) } == answers.map(UInt32.init))
    }
    #expect(
      try programs.map { try BPF.programID(pin: "\(CollectionStore.directory(of: four.name))/progs/\($0)") } == ids)
  }

  @Test("a program on a hook that lets no program be replaced is flipped there")
  func anyHook() throws {
    let rawtp = try Collection("rawtp", engine: .patch)
    let program = try #require(try rawtp.programs().first)
    let fd = try BPF.open(.program, id: program.id)
    let link = try OwnedFD(bpf_raw_tracepoint_open("sys_enter", fd.rawValue), "raw tracepoint")
    let report = try rawtp.flip(.toggle, "*")
    #expect(report.programs.map(\.newID) == [program.id] && report.stillHeld.isEmpty)
    let key = try #require(program.template.keys.first?.name)
    #expect(try rawtp.programs().first?.value(of: key) != program.value(of: key))
    #expect(try BPF.info(link, bpf_link_info()).prog_id == program.id)
  }
}
