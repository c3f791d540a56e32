// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Replacing a program at each kind of place it can hang on.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct Swap {
    /// The program that the collection's one link runs.
    private func linked(_ collection: Collection, _ link: String) throws -> UInt32 {
      try BPF.linkedProgramID(pin: collection.pin("links", link))
    }

    @Test("an XDP link keeps its id and gets the new program; the old one is gone")
    func xdp() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      let old = try #require(try counter.programs().first).id
      #expect(try linked(counter, "counter_0") == old)
      let report = try counter.flip(.enable, "variant")
      let new = try #require(report.programs.first).newID
      #expect(try linked(counter, "counter_0") == new)
      #expect(try BPF.programID(pin: counter.pin("progs", "counter")) == new)
      #expect(new != old)
      #expect(try !BPF.ids(of: .program).contains(old))
      #expect(report.stillHeld.isEmpty)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("xdp link") })
    }

    @Test(
      "tcx links on both sides of a device", .requires(kernel: "6.6", for: "tcx links"),
      arguments: ["tcx-ingress", "tcx-egress"])
    func tcx(hook: String) throws {
      let veth = try VethPair()
      let tcx = try Collection("tcx", attach: ["\(hook):\(veth.receiverHook)"], engine: .reload)
      let report = try tcx.flip(.enable, "drop")
      #expect(try linked(tcx, "tcx_0") == report.programs.first?.newID)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("tcx link") })
    }

    @Test(
      "a tcx program with its key on drops what it let pass before", .requires(kernel: "6.6", for: "tcx links"))
    func tcxDrops() throws {
      let veth = try VethPair()
      let tcx = try Collection("tcx", attach: ["tcx-ingress:\(veth.receiverHook)"], engine: .reload)
      let receiver = try UDPReceiver(in: veth.receiver)
      #expect(try UDPSender(in: veth.sender, count: 100).finish() == 100)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count == 100 })
      try tcx.flip(.enable, "drop")
      #expect(try UDPSender(in: veth.sender, count: 100).finish() == 100)
      try tcx.flip(.disable, "drop")
      #expect(try UDPSender(in: veth.sender, count: 50).finish() == 50)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count >= 150 })
      #expect(receiver.tally.count == 150)
    }

    @Test("a cgroup link")
    func cgroup() throws {
      let group = try Cgroup()
      let cgroup = try Collection("cgroup", attach: ["cgroup:\(group.path)"], engine: .reload)
      let report = try cgroup.flip(.enable, "deny")
      #expect(try linked(cgroup, "egress_0") == report.programs.first?.newID)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("cgroup link") })
    }

    @Test("a link whose interface is gone does not stand in the way") func severedLink() throws {
      let counter: Collection
      do {
        let veth = try VethPair()
        counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      }
      // The namespaces go with the last reference to the pair, and the interface with them.
      let link = try BPF.open(pin: counter.pin("links", "counter_0"))
      #expect(eventually(within: .seconds(5)) { (try? BPF.info(link, bpf_link_info()).xdp.ifindex) == 0 })
      let report = try counter.flip(.enable, "variant")
      #expect(report.programs.flatMap(\.places) == ["pin \(counter.pin("progs", "counter"))"])
      #expect(try counter.state("variant") == .on)
    }

    @Test("a link whose interface goes away in mid-flip does not stop it")
    func interfaceGone() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      let link = counter.pin("links", "counter_0")
      let report = try counter.flip(.enable, "variant", disturbedBefore: .linkUpdate) {
        try veth.receiver.run("ip link del rx0")
      }
      #expect(report.programs.flatMap(\.places) == ["pin \(counter.pin("progs", "counter"))"])
      #expect(try BPF.info(BPF.open(pin: link), bpf_link_info()).xdp.ifindex == 0)
      #expect(try counter.id("counter") == report.programs.first?.newID)
      #expect(try counter.state("variant") == .on)
      #expect(report.stillHeld.isEmpty)
    }

    @Test("a link whose last holder lets go of it in mid-flip does not stop it")
    func linkGone() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      let link = counter.pin("links", "counter_0")
      let report = try counter.flip(.enable, "variant", disturbedBefore: .programLoad) {
        guard unlink(link) == 0 else { throw HarnessError(link, errno: errno) }
      }
      #expect(try counter.id("counter") == report.programs.first?.newID)
      #expect(report.programs.flatMap(\.places) == ["pin \(counter.pin("progs", "counter"))"])
      #expect(try veth.receiver.xdpProgram("rx0") == nil)
      #expect(try counter.state("variant") == .on)
    }

    @Test("a BPF file system that is mounted at two places has each pin once") func mountedTwice() throws {
      let four = try Collection("four", engine: .reload)
      let folder = try TemporaryFolder()
      try run(["mount", "--bind", "/sys/fs/bpf", folder.path]).checked()
      defer { _ = try? run(["umount", folder.path]) }
      let report = try four.flip(.enable, "key_false")
      #expect(report.programs.map(\.places.count) == [1, 1])
    }

    @Test("a pin that another path holds is replaced too, and nothing is left beside it")
    func pins() throws {
      let four = try Collection("four", engine: .reload)
      let extra = four.pin("progs", "extra")
      let program = try BPF.open(pin: four.pin("progs", "false_likely"))
      #expect(bpf_obj_pin(program.rawValue, extra) == 0)
      let report = try four.flip(.enable, "key_false")
      let change = try #require(report.programs.first { $0.plan.template.name == "false_likely" })
      #expect(try BPF.programID(pin: extra) == change.newID)
      #expect(change.places.count == 2)
      #expect(try BPF.testRun(pin: extra) == 1)
    }

    @Test("a program that somebody else holds open is reported as still running")
    func stillHeld() throws {
      let four = try Collection("four", engine: .reload)
      let held = try BPF.open(pin: four.pin("progs", "false_likely"))
      let id = try #require(try four.programs().first { $0.name == "false_likely" }).id
      #expect(try four.flip(.enable, "key_false").stillHeld == [id])
      #expect(try four.state("key_false") == .mixed)
      withExtendedLifetime(held) {}
    }
  }
}
