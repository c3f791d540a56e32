// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// A flip over twenty programs that is killed again and again.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct SoakKills {
    /// Ten collections of two hooked and pinned programs each; their names begin alike.
    private final class Fleet {
      let prefix = Collection.newName()
      let veth: VethPair
      private let collections: [String]
      private let devices: [String]
      let links: [String]
      let pins: [String]

      init() throws {
        veth = try VethPair()
        let devices = (0..<10).map { "d\($0)" }
        self.devices = devices
        try veth.receiver.ip(devices.map { "link add \($0) type veth peer name \($0)p\nlink set \($0) up\n" }.joined())
        collections = devices.map { [prefix] in "\(prefix)-\($0)" }
        let names = collections
        links = names.flatMap { name in ["multi_xdp_0", "multi_tc_1"].map { Self.path(name, "links", $0) } }
        pins = names.flatMap { name in ["multi_xdp", "multi_tc"].map { Self.path(name, "progs", $0) } }
        for (name, device) in zip(collections, devices) {
          let hooks = [
            "multi_xdp=xdp:\(device)@\(veth.receiver.name)", "multi_tc=tcx-ingress:\(device)@\(veth.receiver.name)",
          ]
          _ = try CollectionLoader().load(
            FilePath(Fixture.object("multi", clang: 19)), name: name, attach: hooks.compactMap(AttachRequest.init),
            engine: .reload)
        }
      }

      deinit { for name in collections { _ = try? CollectionStore().remove(name) } }

      private static func path(_ name: String, _ part: String, _ entry: String) -> String {
        "\(CollectionStore.directory(of: name))/\(part)/\(entry)"
      }

      /// The programs on the interfaces' own hooks, XDP and tcx of each: not what pinned links say, but what would run.
      func hooked() throws -> [UInt32?] {
        let links = try JSON(parsing: veth.receiver.run("ip -j -d link show")).array
        let receiver = veth.receiver
        let tcx = try receiver.onThread { [devices] in
          try devices.map { try BPF.attached(to: Int32(if_nametoindex($0)), UInt32(SK_BPF_TCX_INGRESS)).programs }
        }
        return zip(devices, tcx).flatMap { device, tcx in
          let xdp = links.first { $0["ifname"]?.string == device }?["xdp"]?["prog"]?["id"]?.int.map(UInt32.init)
          return [xdp, tcx.count == 1 ? tcx[0] : nil]
        }
      }

      func programs() throws -> [ManagedProgram] {
        try Inventory.current().programs.filter { $0.instance.collection.hasPrefix(prefix) }
      }
    }

    @Test(
      "after each kill every hook is taken and every state readable; the same command completes it",
      .requires(kernel: "6.6", for: "tcx links"))
    func killed() async throws {
      let kills = Soak.size(25, full: 500)
      let fleet = try Fleet()
      let before = try Soak.Counts.now()
      let key = "\(fleet.prefix)-*/deny"
      let start = ContinuousClock.now
      for verb in ["enable", "disable"] { try keyctl(verb, key).checked() }
      let length = UInt32((ContinuousClock.now - start) / .microseconds(2))
      let binary = try Tools.built("keyctl")
      var killed = 0
      var mixed = 0
      var round = 0
      // Some flips are quicker than their kill, and a kill between two programs is a matter of luck.
      while killed < kills || mixed == 0, round < 20 * kills {
        defer { round += 1 }
        let verb = round % 2 == 0 ? "enable" : "disable"
        let child = try ChildProcess([binary, verb, key])
        usleep(UInt32.random(in: 0...length))
        child.signal(SIGKILL)
        let ending = try child.wait()
        try #require([0, 128 + SIGKILL].contains(ending.status), "round \(round): \(ending)")
        if ending.status != 0 { killed += 1 }

        let programs = try fleet.programs()
        let ids = Set(programs.map(\.id))
        let hooked = try fleet.hooked()
        #expect(
          hooked.count == 20 && hooked.allSatisfy { $0.map(ids.contains) == true }, "round \(round): \(hooked)")
        let listed = try keyctl("list", key, "--json").checked()
        let states = try JSON(parsing: listed.stdout).array.compactMap { $0["state"]?.string }
        #expect(states.count == 10 && states.allSatisfy { ["on", "off", "mixed"].contains($0) }, "round \(round)")
        if states.contains("mixed") || Set(states).count > 1 { mixed += 1 }

        try keyctl(verb, key).checked()
        let complete = try fleet.programs()
        try #require(complete.count == 20, "round \(round): each program is one again")
        let deny = try #require(KeyName("deny"))
        #expect(complete.allSatisfy { $0.value(of: deny) == (verb == "enable") }, "round \(round)")
        let running = try fleet.hooked()
        #expect(try fleet.links.map { try BPF.linkedProgramID(pin: $0) } == running, "round \(round)")
        #expect(try fleet.pins.map { try BPF.programID(pin: $0) } == running, "round \(round)")
      }
      #expect(killed >= kills && mixed > 0)
      let after = try await Soak.Counts.settled(like: before)
      #expect(after == before)
      Soak.report(
        "\(round) flips over 20 programs, \(killed) of them killed, \(mixed) with a part of the programs changed; "
          + "each completed by the same command; at the start \(before); at the end \(after)")
    }
  }
}
