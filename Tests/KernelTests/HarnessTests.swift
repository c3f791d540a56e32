// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import TestSupport
import Testing

extension KernelTests {
  /// The parts of the harness that need root, checked.
  @Suite struct Harness {
    static func makeMap(_ type: bpf_map_type = BPF_MAP_TYPE_ARRAY) throws -> OwnedFD {
      try OwnedFD(bpf_map_create(type, "sk_held", 4, 8, 4, nil), "BPF_MAP_CREATE")
    }

    @Test func censusSeesAHeldMap() async throws {
      let before = try KernelCensus.take([.map])
      let map = try Self.makeMap()
      let id = try BPF.info(map, bpf_map_info()).id
      let left = try await KernelCensus.leftovers(since: before, of: [.map], patience: .milliseconds(100))
      #expect(left.filter { $0.id == id }.map(\.name) == ["sk_held"])
    }

    @Test func censusForgivesWhatWentOrWasThereBefore() async throws {
      let old = try Self.makeMap()
      let before = try KernelCensus.take([.map])
      let id = try BPF.info(Self.makeMap(), bpf_map_info()).id
      let left = try await KernelCensus.leftovers(since: before, of: [.map])
      let oldID = try BPF.info(old, bpf_map_info()).id
      #expect(before.items.contains { $0.id == oldID })
      #expect(!left.contains { $0.id == oldID || $0.id == id })
    }

    @Test func leftMapIsAnIssueOfTheTest() async throws {
      var left: Int32 = -1
      try await withKnownIssue {
        try await withCensus(patience: .milliseconds(100)) { left = try Self.makeMap().release() }
      } matching: { issue in
        issue.comments.contains { $0.rawValue.contains("sk_held") }
      }
      #expect(close(left) == 0)
    }

    @Test func errorOfACountedTestGoesThrough() async throws {
      await #expect(throws: HarnessError.self) {
        try await withCensus { throw HarnessError("from the body") }
      }
    }

    @Test func arrayValuesAreRead() throws {
      let map = try Self.makeMap()
      for index in UInt32(0)..<4 {
        var key = index
        var value = UInt64(index) << 32 | 7
        try #require(bpf_map_update_elem(map.rawValue, &key, &value, 0) == 0)
      }
      #expect(try BPF.u64(map, at: 3) == 3 << 32 | 7)
      #expect(try BPF.u32(map, at: 3) == 7)
      #expect(throws: HarnessError.self) { try BPF.u64(map, at: 4) }
    }

    @Test func perCPUValuesAreSummed() throws {
      let map = try Self.makeMap(BPF_MAP_TYPE_PERCPU_ARRAY)
      var key: UInt32 = 1
      var values = (0..<Int(libbpf_num_possible_cpus())).map { UInt64($0 + 1) }
      try #require(bpf_map_update_elem(map.rawValue, &key, &values, 0) == 0)
      #expect(try BPF.u64(map, at: 1) == values.reduce(0, +))
      #expect(try BPF.u64(map, at: 0) == 0)
    }

    @Test func bpftoolAgreesAboutAMap() throws {
      let map = try Self.makeMap()
      let id = try BPF.info(map, bpf_map_info()).id
      let told = try Bpftool.json("map", "show", "id", String(id))
      #expect(told["name"]?.string == "sk_held")
      #expect(told["id"]?.int == Int(id))
    }

    @Test func namespaceGoesWithItsOwner() throws {
      var namespace: NetNS? = try NetNS()
      let path = try #require(namespace?.path)
      #expect(access(path, F_OK) == 0)
      namespace = nil
      #expect(access(path, F_OK) != 0)
    }

    @Test func onlyTheThreadEntersTheNamespace() throws {
      let namespace = try NetNS()
      let here = { @Sendable in try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") }
      let before = try here()
      let there = try namespace.onThread(here)
      #expect(there != before)
      #expect(try here() == before)
    }

    @Test func sweepTakesOrphansOnly() throws {
      let mine = try NetNS()
      // No process has this id: it is beyond the largest that the kernel gives.
      let orphan = "sk-4194305-1"
      try run(["ip", "netns", "add", orphan]).checked()
      #expect(try NetNS.sweep().contains(orphan))
      #expect(access("/run/netns/\(orphan)", F_OK) != 0)
      #expect(access(mine.path, F_OK) == 0)
    }

    @Test func commandInANamespaceSeesTheMachinesBPFFS() throws {
      let folder = try PinFolder()
      let namespace = try NetNS()
      #expect(try run(namespace.command(["ls", "-d", folder.path])).status == 0)
    }

    @Test func commandRunsInItsCgroup() throws {
      let cgroup = try Cgroup()
      let told = try run(cgroup.command(["cat", "/proc/self/cgroup"])).checked().stdout
      let name = try #require(cgroup.path.split(separator: "/").last)
      #expect(told.split(separator: "\n").contains { $0.hasPrefix("0::") && $0.hasSuffix("/\(name)") })
    }

    @Test func everyPacketArrivesOnce() throws {
      let pair = try VethPair()
      let receiver = try UDPReceiver(in: pair.receiver)
      let sender = UDPSender(in: pair.sender, count: 10_000)
      let sent = try sender.finish()
      let tally = try receiver.finish(expecting: sent)
      #expect(sent == 10_000)
      #expect(tally.count == 10_000)
      #expect(tally.missing(of: sent) == [])
      #expect(tally.repeated == [])
    }

    @Test func senderStopsWhenAsked() throws {
      let pair = try VethPair()
      let receiver = try UDPReceiver(in: pair.receiver)
      let sender = UDPSender(in: pair.sender)
      #expect(eventually(within: .seconds(5)) { sender.sent > 100 })
      let sent = try sender.stop()
      #expect(try receiver.finish(expecting: sent).missing(of: sent) == [])
    }

    @Test func theWireIsSilentOtherwise() throws {
      let pair = try VethPair()
      usleep(300_000)
      #expect(try pair.receivedPackets() == 0)
      #expect(try UDPSender(in: pair.sender, count: 3).finish() == 3)
      #expect(eventually(within: .seconds(2)) { (try? pair.receivedPackets()) == 3 })
    }
  }
}
