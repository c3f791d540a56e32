// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Slots at hooks that have a replacement, where the user asked for them.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SlotOnRequest {
    @Test("every numbered packet is counted exactly once through an XDP slot while the key flips")
    func exactlyOnce() throws {
      let packets = 20_000
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], via: .slot, engine: .reload)
      let sender = UDPSender(in: veth.sender, count: packets)
      var flips = 0
      while sender.sent < packets {
        try counter.flip(.toggle, "variant")
        flips += 1
      }
      #expect(try sender.finish() == packets)
      let arms = try BPF.open(pin: counter.pin("maps", "arms"))
      #expect(eventually(within: .seconds(2)) { (try? BPF.u64(arms, at: 0) + BPF.u64(arms, at: 1)) == UInt64(packets) })
      let seen = try BPF.open(pin: counter.pin("maps", "seen"))
      var times: [UInt32: Int] = [:]
      for packet in 0..<packets { times[try BPF.u32(seen, at: UInt32(packet)), default: 0] += 1 }
      #expect(times == [1: packets])
      #expect(flips >= 5)
    }

    @Test("the link keeps the root; a flip changes the slot and the pin")
    func rootStays() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], via: .slot, engine: .reload)
      let root = try BPF.programID(pin: counter.pin("slots", "counter-root"))
      let report = try counter.flip(.enable, "variant")
      #expect(try BPF.linkedProgramID(pin: counter.pin("links", "counter_0")) == root)
      let array = try BPF.open(pin: counter.pin("slots", "counter"))
      #expect(try BPF.u32(array, at: 0) == report.programs.first?.newID)
      #expect(try BPF.programID(pin: counter.pin("progs", "counter")) == report.programs.first?.newID)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("slot at xdp link") })
      #expect(report.stillHeld.isEmpty)
    }

    @Test("an empty slot lets all pass: an XDP, a tc and a cgroup program", .requires(kernel: "6.6", for: "tcx links"))
    func emptySlots() throws {
      let veth = try VethPair()
      let group = try Cgroup()
      let cases = [
        ("counter", "counter", "xdp:\(veth.receiverHook)", XDP_PASS.rawValue),
        ("tcx", "tcx", "tcx-ingress:\(veth.receiverHook)", UInt32.max),
        ("cgroup", "egress", "cgroup:\(group.path)", 1),
      ]
      for (fixture, program, hook, result) in cases {
        let collection = try Collection(fixture, attach: [hook], via: .slot)
        try collection.emptySlot(program)
        #expect(try BPF.testRun(pin: collection.pin("slots", "\(program)-root")) == result, "\(fixture)")
      }
    }

    @Test("a tcx program behind a slot drops with its key on", .requires(kernel: "6.6", for: "tcx links"))
    func tcx() throws {
      let veth = try VethPair()
      let tcx = try Collection("tcx", attach: ["tcx-ingress:\(veth.receiverHook)"], via: .slot)
      let receiver = try UDPReceiver(in: veth.receiver)
      #expect(try UDPSender(in: veth.sender, count: 100).finish() == 100)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count == 100 })
      try tcx.flip(.enable, "drop")
      #expect(try UDPSender(in: veth.sender, count: 100).finish() == 100)
      try tcx.emptySlot("tcx")
      #expect(try UDPSender(in: veth.sender, count: 50).finish() == 50)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count >= 150 })
      #expect(receiver.tally.count == 150)
    }

    @Test("a cgroup program keeps its cgroup's storage", .requires(tool: "busybox"))
    func cgroupStorage() throws {
      let group = try Cgroup()
      let stored = try Collection("storage", attach: ["cgroup:\(group.path)"], via: .slot, engine: .reload)
      let link = try BPF.open(pin: stored.pin("links", "stored_0"))
      let packets = try BPF.open(pin: stored.pin("maps", "packets"))
      func count() throws -> UInt64 {
        var key = bpf_cgroup_storage_key()
        key.cgroup_inode_id = try BPF.info(link, bpf_link_info()).cgroup.cgroup_id
        key.attach_type = BPF_CGROUP_INET_EGRESS.rawValue
        var value: UInt64 = 0
        guard bpf_map_lookup_elem(packets.rawValue, &key, &value) == 0 else {
          throw HarnessError("storage", errno: errno)
        }
        return value
      }
      let send = group.command(["busybox", "ping", "-c", "1", "-W", "1", "127.0.0.1"])
      try run(send).checked()
      let first = try count()
      #expect(first == 1)
      try stored.flip(.enable, "twice")
      try run(send).checked()
      #expect(try count() == first + 2)
    }

    @Test(
      "programs with functions and tail calls of their own go behind a slot; one tail call is used up",
      .requires(kernel: "6.6", for: "tcx links"))
    func tailCalls() throws {
      let veth = try VethPair()
      let hook = "tcx-ingress:\(veth.receiverHook)"
      let calls = try Collection("tailcalls", attach: ["first=\(hook)", "again=\(hook)"], via: .slot, engine: .reload)
      let next = try BPF.open(pin: calls.pin("maps", "next"))
      let rounds = try BPF.open(pin: calls.pin("maps", "rounds"))
      func runFirst() throws -> UInt32 { try BPF.testRun(pin: calls.pin("slots", "first-root")) }
      #expect(try runFirst() == 64)
      try calls.flip(.enable, "variant")
      #expect(try runFirst() == 1064)
      try calls.flip(.disable, "variant")
      for index in 0...1 {
        var key = UInt32(index)
        let again = try BPF.open(pin: calls.pin("progs", "again"))
        var value = again.rawValue
        #expect(bpf_map_update_elem(next.rawValue, &key, &value, 0) == 0)
      }
      #expect(try runFirst() == 5)
      // MAX_TAIL_CALL_CNT is 33: one went into `first`, one from there into `again`, the others from `again` to itself.
      #expect(try BPF.u64(rounds, at: 0) == 32)
      // `again` is in its own slot and twice in `next`: each is replaced.
      let report = try calls.flip(.enable, "variant")
      let again = try #require(report.programs.first { $0.plan.template.name == "again" })
      #expect(again.places.count { $0.contains("slot") } == 3, "\(again.places)")
      #expect(try runFirst() == 77)
    }
  }
}
