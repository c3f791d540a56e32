// SPDX-License-Identifier: Apache-2.0

import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// `load --into`: programs that come to a collection later.
  @Suite(.serialized, .requiresRoot, .censused)
  struct LateLoads {
    private let first: VersionedObject
    private let late: VersionedObject

    init() throws {
      first = try VersionedObject()
      late = try VersionedObject("third")
    }

    @Test("a late program has the collection's key values and maps; its constants are its own")
    func joins() throws {
      let collection = try Collection(first, set: [("deny", true)])
      #expect(try collection.run("first") == 1 && collection.hits(0) == 1)
      let own = try VersionedObject("third-base20")
      let report = try collection.add(own)
      #expect(Set(report.sharedMaps) == ["hits", collection.internalMap(".bss")])
      #expect(try collection.run("third") == 21)
      #expect(try collection.hits(0) == 2, "the map is the same one")
      let (bss, rodata) = (collection.internalPin(".bss"), collection.internalPin(".rodata"))
      #expect(
        collection.pins == [
          "maps/hits", bss, rodata, "\(rodata)_2", "progs/first", "progs/second", "progs/third",
        ])
      try collection.flip(.disable, "deny")
      #expect(try collection.run("third") == 22 && collection.run("first") == 2)
      #expect(try CollectionStore().remove(collection.name).count == 7)
    }

    @Test("--set wins over the collection's value, which wins over the object's, unless --defaults is given")
    func values() throws {
      let on = try VersionedObject("fourth-on")
      let collection = try Collection(first)
      try collection.add(late, set: [("deny", true)])
      #expect(try collection.run("third") == 1)
      try collection.flip(.disable, "deny")
      #expect(try collection.run("third") == 2)
      try collection.add(on)
      #expect(try collection.run("fourth") == 2)
      let other = try Collection(first)
      try other.add(on, defaults: true)
      #expect(try other.run("fourth") == 1 && other.run("first") == 2)
    }

    @Test("a mixed key needs a word from the user")
    func mixed() throws {
      let collection = try Collection(first)
      let pattern = try #require(KeyPattern("\(collection.name)/deny"))
      _ = try Changer().flip(.enable, [pattern], in: .name(Glob("first")), engine: .reload)
      let error = #expect(throws: StaticKeysError.self) { try collection.add(late) }
      #expect(error?.code == .ambiguous && error?.message.hasSuffix("off in others: deny") == true)
      #expect(try collection.programs().count == 2)
      try collection.add(late, set: [("deny", true)])
      #expect(try collection.run("third") == 1)
    }

    @Test("a name that is taken, a map of another shape, a collection that is not there: refused, nothing changed")
    func refusals() throws {
      let collection = try Collection(first)
      let pins = collection.pins
      let taken = #expect(throws: StaticKeysError.self) { try collection.add(first) }
      #expect(taken?.code == .exists && taken?.advice?.contains("--replace") == true)
      #expect(taken?.message.contains("first, second") == true)
      let larger = try VersionedObject("third-larger")
      let shape = #expect(throws: StaticKeysError.self) { try collection.add(larger) }
      #expect(shape?.code == .exists)
      #expect(
        shape?.message.contains("array, key 4, value 8, 4 entries; the object's: array, key 4, value 8, 8 entries")
          == true)
      let missing = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().add(FilePath(late.path), to: "nosuch_\(collection.name)")
      }
      #expect(missing?.code == .notFound)
      #expect(throws: StaticKeysError.self) { try collection.add(late, attach: ["third=xdp:nosuch0"]) }
      #expect(collection.pins == pins && CollectionStore().names().count { $0.hasPrefix(collection.name) } == 1)
      #expect(try collection.programs().count == 2)
    }

    @Test("variables of another layout are the late program's own")
    func otherVariables() throws {
      let collection = try Collection(first)
      let more = try VersionedObject("third-other")
      #expect(try collection.add(more).sharedMaps == ["hits"])
      #expect(collection.pins.contains(collection.internalPin(".bss") + "_2"))
    }

    @Test("a late program goes to a hook, and the links of the collection keep their pins")
    func attached() throws {
      let (one, two) = (try VethPair(), try VethPair())
      let collection = try Collection(first, attach: ["first=xdp:\(one.receiverHook)"])
      try collection.add(late, attach: ["xdp:\(two.receiverHook)"])
      #expect(collection.pins.filter { $0.hasPrefix("links/") } == ["links/first_0", "links/third_1"])
      let third = try #require(try collection.programs().first { $0.name == "third" })
      #expect(try BPF.linkedProgramID(pin: collection.pin("links", "third_1")) == third.id)
    }

    @Test("an error at each kernel call leaves the collection as it was")
    func everyCall() throws {
      let recorder = Recorder()
      for number in 0... {
        let collection = try Collection(first)
        let (pins, ids) = (collection.pins, try collection.programs().map(\.id))
        recorder.restart { $0.count == number + 1 }
        let result = Result { try collection.add(late, system: recorder.system) }
        let failed = recorder.calls.indices.contains(number) ? "\(recorder.calls[number])" : nil
        recorder.restart()
        switch result {
        case .success: break
        case .failure(let error as StaticKeysError) where error.code == .partlyApplied: try collection.add(late)
        case .failure(let error):
          #expect(collection.pins == pins, "call \(number), \(failed ?? "none"): \(error)")
          #expect(try collection.programs().map(\.id) == ids, "call \(number), \(failed ?? "none")")
          try collection.add(late)
        }
        #expect(collection.pins.contains("progs/third"))
        #expect(BPFFSListing.directories(of: collection.name) == [collection.name])
        if failed == nil { break }
      }
    }

    @Test("a command that is killed at any moment and run again has added the program once")
    func killed() throws {
      let collection = try Collection(first)
      let command = [try Tools.built("keyctl"), "load", late.path, "--into", collection.name]
      let start = ContinuousClock.now
      try run(command).checked()
      let longest = UInt32((ContinuousClock.now - start) / .microseconds(1))
      let full = collection.pins
      var killed = 0
      for round in 0..<25 {
        try CollectionStore().remove(collection.name)
        _ = try CollectionLoader().load(FilePath(first.path), name: collection.name)
        let child = try ChildProcess(command)
        usleep(UInt32(round) * (longest / 25))
        child.signal(SIGKILL)
        if try child.wait().status != 0 { killed += 1 }
        let again = try run(command)
        // Either the killed one had done it all, or this one has.
        #expect(again.status == 0 || again.stderr.contains("has a program third already"), "\(again)")
        #expect(collection.pins == full, "round \(round)")
        #expect(try collection.programs().map(\.name) == ["first", "second", "third"])
      }
      #expect(killed > 0)
    }
  }
}
