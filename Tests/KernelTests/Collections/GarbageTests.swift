// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// `gc` and what killed writers leave.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Garbage {
    private func collected(dryRun: Bool = false) throws -> [String] {
      try GarbageCollector().collect(dryRun: dryRun).removed.map(\.path.string)
    }

    private func isSevered(_ pin: String) -> Bool {
      (try? BPF.info(BPF.open(pin: pin), bpf_link_info()).xdp.ifindex) == 0
    }

    @Test("a loaded collection has no garbage, even if its programs hang nowhere and its maps are used by none")
    func nothing() throws {
      let collection = try Collection(VersionedObject("map"))
      let pins = collection.pins
      #expect(try collected().filter { $0.contains(collection.name) } == [])
      #expect(collection.pins == pins)
      #expect(try keyctl("gc", "-n").status == 0)
    }

    @Test("what a killed load leaves goes, its links with it; the same load does not mind it")
    func leftovers() throws {
      let veth = try VethPair()
      let object = try VersionedObject()
      let collection = try Collection(object, attach: ["first=xdp:\(veth.receiverHook)"])
      let staged = collection.report.directory.string + "__new"
      try #require(rename(collection.report.directory.string, staged) == 0)
      #expect(!CollectionStore().names().contains(collection.name))
      let told = try collected(dryRun: true)
      #expect(told == [staged])
      #expect(try collection.programs().count == 2)
      let report = try GarbageCollector().collect()
      #expect(report.removed.contains { $0.path.string == staged + "/links/first_0" })
      #expect(eventually(within: .seconds(10)) { (try? collection.programs().isEmpty) == true })

      let again = try Collection(object)
      let left = again.report.directory.string
      try #require(rename(left, left + "__new") == 0)
      _ = try CollectionLoader().load(FilePath(object.path), name: again.name)
      #expect(access(left + "__new", F_OK) != 0)
      #expect(try again.programs().count == 2)
    }

    @Test("an addition that was settled is completed, not removed")
    func settled() throws {
      let collection = try Collection(VersionedObject())
      let late = try Collection(VersionedObject("third"))
      try #require(rename(late.report.directory.string, collection.report.directory.string + "__add") == 0)
      let pins = collection.pins
      let told = try GarbageCollector().collect(dryRun: true)
      #expect(told.removed.isEmpty && told.completed.count == 4)
      #expect(collection.pins == pins)
      let directory = collection.report.directory.string
      #expect(try keyctl("gc", "-n").checked().stdout.contains("would complete \(directory)/progs/third\n"))
      let report = try GarbageCollector().collect()
      #expect(report.removed.isEmpty && report.completed == told.completed)
      #expect(collection.pins.contains("progs/third"))
    }

    @Test("a pin that a killed writer left beside another does not stand in the way of a flip, nor outlive it")
    func besidePin() throws {
      let collection = try Collection(object: VersionedObject().path, engine: .reload)
      let pins = collection.pins
      _ = try collection.pinAgain("first", as: "first__new")
      // Whichever of the two comes first.
      try collection.flip(.enable, "deny")
      #expect(collection.pins == pins)
      #expect(try collection.run("first") == 1)
    }

    @Test("a program whose name is another's with what a pin beside it is called stays")
    func namedAlike() throws {
      let collection = try Collection(object: VersionedObject("alike").path, engine: .reload)
      let pins = collection.pins
      for _ in 0..<2 {
        try collection.flip(.toggle, "deny")
        #expect(collection.pins == pins)
        let ids = try ["first", "first__new"].map { try collection.id($0) }
        #expect(try collection.programs().map(\.id) == ids)
      }
      #expect(try collected(dryRun: true) == [])
    }

    @Test("a collection without programs, a pin beside a pin, a link whose device is gone")
    func others() throws {
      let collection: Collection
      do {
        let veth = try VethPair()
        collection = try Collection(VersionedObject(), attach: ["first=xdp:\(veth.receiverHook)"])
      }
      let link = collection.pin("links", "first_0")
      #expect(eventually(within: .seconds(5)) { isSevered(link) })
      let beside = try collection.pinAgain("first", as: "first__new")
      // Named like one, but beside nothing, or beside another program.
      let alone = try collection.pinAgain("first", as: "alone__new")
      let other = try collection.pinAgain("first", as: "second__new")
      #expect(try Set(collected()) == [link, beside])
      #expect(access(alone, F_OK) == 0 && access(other, F_OK) == 0)
      for pin in collection.pins where pin.hasPrefix("progs/") {
        try #require(unlink(collection.report.directory.string + "/" + pin) == 0)
      }
      #expect(eventually(within: .seconds(10)) { (try? collection.programs().isEmpty) == true })
      let printed = try keyctl("gc").checked().stdout
      #expect(printed == "removed \(collection.report.directory): no program of that collection runs\n")
      #expect(try keyctl("gc").checked().stdout == "nothing to remove\n")
    }

    @Test("an instance goes with the last device that it was on, unless a program of it hangs elsewhere")
    func devices() throws {
      let four = try Instances("four")
      let there = try VethPair()
      func hook(_ program: String, _ veth: VethPair) -> String { "\(program)=xdp:\(veth.receiverHook)" }
      do {
        let (one, two, three) = (try VethPair(), try VethPair(), try VethPair())
        try four.add(
          InstanceSpec("gone", attach: hook("false_unlikely", one)), InstanceSpec("pinned"),
          InstanceSpec("there", attach: hook("false_unlikely", two), hook("false_likely", there)),
          InstanceSpec("elsewhere", attach: hook("false_unlikely", three)))
        withExtendedLifetime([one, two, three]) {}
      }
      let links = ["gone", "there", "elsewhere"].map { four.pin($0, "links", "false_unlikely_0") }
      #expect(eventually(within: .seconds(5)) { links.allSatisfy(isSevered) })
      // Programs may hang where none of the collection's links is.
      let pin = four.pin("elsewhere", "progs", "true_likely")
      try there.sender.run("ip link set dev \(VethPair.senderDevice) xdp pinned \(pin)")
      let gone = "\(CollectionStore.directory(of: four.name))/instances/gone"
      #expect(try Set(collected(dryRun: true)) == Set([gone] + links.dropFirst()))
      #expect(try Set(collected()) == Set([gone] + links.dropFirst()))
      #expect(try four.flip(.enable, "key_false").programs.count == 6)
      #expect(CollectionStore().instances(of: four.name) == ["elsewhere", "pinned", "there"])
      #expect(try keyctl("gc").checked().stdout == "nothing to remove\n")
      withExtendedLifetime(there) {}
    }
  }
}
