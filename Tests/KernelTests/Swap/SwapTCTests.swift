// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Replacing a program of a tc filter that iproute2 made.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SwapTC {
    /// The collection `tcx`, attached nowhere but by its pin, and a device to put filters on.
    private struct Stage {
      let veth: VethPair
      let tcx: Collection
      var device: NetNS { veth.receiver }
      var pin: String { tcx.pin("progs", "tcx") }

      init() throws {
        veth = try VethPair()
        tcx = try Collection("tcx", engine: .reload)
        try device.run("tc qdisc add dev rx0 clsact")
      }
    }

    @Test("nothing of a filter changes but its program", arguments: ["ingress", "egress"])
    func settingsStay(side: String) throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 \(side) bpf da object-pinned \(stage.pin)")
      try stage.device.run(
        "tc filter add dev rx0 \(side) protocol ip pref 7 chain 3 handle 0x5 bpf da object-pinned \(stage.pin) flowid 1:3"
      )
      try stage.device.run(
        "tc filter add dev rx0 \(side) pref 7 protocol ip chain 3 handle 0x6 bpf object-pinned \(stage.pin)")
      let before = try stage.device.filters("rx0", side)
      let old = try #require(try stage.tcx.programs().first).id
      #expect(before.map(\.program) == [old, old, old])
      let report = try stage.tcx.flip(.enable, "drop")
      let after = try stage.device.filters("rx0", side)
      let new = try #require(report.programs.first).newID
      #expect(new != old)
      #expect(after.map(\.program) == [new, new, new])
      #expect(after.map(\.settings) == before.map(\.settings))
      #expect(report.stillHeld.isEmpty)
      let device = "rx0@\(stage.device.name)"
      #expect(
        Set(report.programs.flatMap(\.places)) == [
          "pin \(stage.pin)", "tc filter \(device) \(side) pref 49152 handle 0x1",
          "tc filter \(device) \(side) chain 3 pref 7 handle 0x5",
          "tc filter \(device) \(side) chain 3 pref 7 handle 0x6",
        ])
    }

    @Test("packets meet the new program")
    func drops() throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 ingress bpf da object-pinned \(stage.pin)")
      let receiver = try UDPReceiver(in: stage.veth.receiver)
      try stage.tcx.flip(.enable, "drop")
      #expect(try UDPSender(in: stage.veth.sender, count: 100).finish() == 100)
      try stage.tcx.flip(.disable, "drop")
      #expect(try UDPSender(in: stage.veth.sender, count: 50).finish() == 50)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count >= 50 })
      #expect(receiver.tally.count == 50)
    }

    @Test("filters of one program in two namespaces, one of which has no name")
    func everyNamespace() throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 ingress bpf da object-pinned \(stage.pin)")
      let script = """
        ip link add nameless type veth peer name other &&
        tc qdisc add dev nameless clsact &&
        tc filter add dev nameless egress bpf da object-pinned \(stage.pin) && echo ready && exec sleep 60
        """
      let other = try ChildProcess(["unshare", "--net", "bash", "-c", script])
      #expect(eventually(within: .seconds(10)) { other.stdout.contains("ready") }, "\(other.stderr)")
      let report = try stage.tcx.flip(.enable, "drop")
      let new = try #require(report.programs.first).newID
      let text = try run([
        "nsenter", "--target", "\(other.pid)", "--net", "tc", "-j", "filter", "show", "dev", "nameless", "egress",
      ])
      .checked().stdout
      #expect(text.contains("\"id\":\(new),"))
      #expect(
        report.programs.flatMap(\.places).contains(
          "tc filter nameless@/proc/\(other.pid)/ns/net egress pref 49152 handle 0x1"))
      #expect(report.stillHeld.isEmpty)
    }

    @Test("a filter of a block that two devices share is replaced once")
    func sharedBlock() throws {
      let stage = try Stage()
      try stage.device.run("ip link add two type veth peer name three")
      for device in ["two", "three"] { try stage.device.run("tc qdisc add dev \(device) ingress_block 9 clsact") }
      try stage.device.run("tc filter add block 9 bpf da object-pinned \(stage.pin)")
      let report = try stage.tcx.flip(.enable, "drop")
      let places = report.programs.flatMap(\.places).filter { $0.hasPrefix("tc filter") }
      #expect(places == ["tc filter block 9@\(stage.device.name) pref 49152 handle 0x1"])
      let new = try #require(report.programs.first).newID
      #expect(try stage.device.run("tc -j filter show block 9").contains("\"id\":\(new),"))
    }

    @Test("a filter with actions of its own is refused by name, and nothing is changed")
    func actions() throws {
      let stage = try Stage()
      let filter = "tc filter add dev rx0 ingress bpf object-pinned \(stage.pin) action"
      // Whichever of these actions the kernel has.
      if (try? stage.device.run("\(filter) mirred egress redirect dev lo")) == nil {
        let words = filter.split(separator: " ").map(String.init) + ["bpf", "bytecode", "1,6 0 0 4294967295"]
        try run(stage.device.command(words)).checked()
      }
      let before = try stage.device.filters("rx0", "ingress")
      let error = #expect(throws: StaticKeysError.self) { try stage.tcx.flip(.enable, "drop") }
      #expect(error?.code == .unsupported)
      #expect(
        error?.message.contains("tc filter rx0@\(stage.device.name) ingress pref 49152 handle 0x1 with actions") == true
      )
      #expect(try stage.device.filters("rx0", "ingress") == before)
      #expect(try stage.tcx.state("drop") == .off)
    }

    @Test("a filter that got another program meanwhile is left alone, and all goes back")
    func changedMeanwhile() throws {
      let stage = try Stage()
      let other = try Collection("tcx", engine: .reload)
      let pin = other.pin("progs", "tcx")
      try stage.device.run("tc filter add dev rx0 ingress pref 1 handle 1 bpf da object-pinned \(stage.pin)")
      try stage.device.run("tc filter add dev rx0 egress pref 1 handle 1 bpf da object-pinned \(stage.pin)")
      let old = try #require(try stage.tcx.programs().first).id
      let theirs = try #require(try other.programs().first).id
      let device = stage.device
      let error = #expect(throws: StaticKeysError.self) {
        try stage.tcx.flip(.enable, "drop", disturbedBefore: .programLoad) {
          try device.run("tc filter replace dev rx0 egress pref 1 handle 1 bpf da object-pinned \(pin)")
        }
      }
      #expect(error?.code == .changedMeanwhile)
      #expect(error?.message.hasSuffix("egress pref 1 handle 0x1 holds program \(theirs) now, not \(old)") == true)
      #expect(try device.filters("rx0", "ingress").map(\.program) == [old])
      #expect(try device.filters("rx0", "egress").map(\.program) == [theirs])
      #expect(try BPF.programID(pin: stage.pin) == old)
      #expect(try stage.tcx.state("drop") == .off)
    }

    @Test("a filter that was removed meanwhile makes all go back", arguments: ["filter", "qdisc"])
    func removedMeanwhile(what: String) throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 ingress bpf da object-pinned \(stage.pin)")
      let old = try #require(try stage.tcx.programs().first).id
      let device = stage.device
      let error = #expect(throws: StaticKeysError.self) {
        try stage.tcx.flip(.enable, "drop", disturbedBefore: .programLoad) {
          try device.run(what == "filter" ? "tc filter del dev rx0 ingress" : "tc qdisc del dev rx0 clsact")
        }
      }
      #expect(error?.code == .changedMeanwhile)
      #expect(error?.message.hasSuffix("is gone now, not \(old)") == true)
      #expect(try BPF.programID(pin: stage.pin) == old)
      // The next time there is nothing left to stumble over.
      #expect(try stage.tcx.flip(.enable, "drop").programs.flatMap(\.places) == ["pin \(stage.pin)"])
    }

    @Test("a filter that was replaced, but the answer to it was lost, counts as replaced")
    func lostAnswer() throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 ingress pref 1 handle 1 bpf da object-pinned \(stage.pin)")
      let (device, folder, old) = (stage.device, try PinFolder(), try stage.tcx.id("tcx"))
      let name = stage.tcx.name
      let isDone = Atomic<Bool>(false)
      let system = BPFSystem { call throws(Errno) in
        guard call == .filterReplace, !isDone.exchange(true, ordering: .relaxed) else { return }
        do {
          // What keyctl is about to do is done for it.
          let new = try BPF.open(.program, id: #require(BPF.programs(named: "tcx").last { $0 != old }))
          #expect(bpf_obj_pin(new.rawValue, folder.pin("new")) == 0)
          try device.run("tc filter replace dev rx0 ingress pref 1 handle 1 bpf da object-pinned \(folder.pin("new"))")
          #expect(unlink(folder.pin("new")) == 0)
        } catch {
          Issue.record(error)
        }
        throw Errno.noBufferSpace
      }
      let report = try Changer(system: system).flip(.enable, [#require(KeyPattern("\(name)/drop"))], engine: .reload)
      let wasDone = isDone.load(ordering: .relaxed)
      #expect(wasDone)
      #expect(try device.filters("rx0", "ingress").map(\.program) == report.programs.map(\.newID))
      #expect(try stage.tcx.state("drop") == .on)
      #expect(report.stillHeld.isEmpty)
    }

    @Test("a device that goes away in mid-flip takes its filter along, and the flip goes on")
    func deviceGone() throws {
      let stage = try Stage()
      try stage.device.run("tc filter add dev rx0 ingress bpf da object-pinned \(stage.pin)")
      let device = stage.device
      let report = try stage.tcx.flip(.enable, "drop", disturbedBefore: .programLoad) {
        try device.run("ip link del rx0")
      }
      #expect(report.programs.flatMap(\.places) == ["pin \(stage.pin)"])
      #expect(try stage.tcx.state("drop") == .on)
      #expect(try BPF.programID(pin: stage.pin) == report.programs.first?.newID)
      #expect(report.stillHeld.isEmpty)
    }
  }
}
