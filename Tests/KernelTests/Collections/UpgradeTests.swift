// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// `load --replace`: a new object in a running collection's place.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Upgrades {
    private let old: VersionedObject

    init() throws { old = try VersionedObject() }

    private func outcomes(_ report: UpgradeReport) -> [String] { report.programs.map { "\($0.name) \($0.outcome)" } }

    /// The id of the program on the receiving interface, as ip tells.
    private func xdpProgram(of veth: VethPair) throws -> Int? {
      let command = ["ip", "-n", veth.receiver.name, "-json", "link", "show", VethPair.receiverDevice]
      return try JSON(parsing: run(command).checked().stdout)[0]?["xdp"]?["prog"]?["id"]?.int
    }

    /// By name, or by section.
    private func maps(_ report: UpgradeReport) -> [String: UpgradeReport.Map.Outcome] {
      Dictionary(report.maps.map { ($0.name.contains(".") ? String($0.name.drop { $0 != "." }) : $0.name, $0.outcome) })
      { $1 }
    }

    @Test("programs are replaced at their links and pins, maps keep what they hold, keys their values")
    func upgrade() throws {
      let veth = try VethPair()
      let collection = try Collection(old, set: [("deny", true)], attach: ["first=xdp:\(veth.receiverHook)"])
      let extra = try collection.pinAgain("first", as: "extra")
      _ = try collection.run("first")
      let before = try collection.programs().map(\.id)
      let report = try collection.replace(by: VersionedObject("base10"))
      let after = try collection.programs().map(\.id)
      #expect(outcomes(report) == ["first replaced", "second replaced"])
      #expect(report.programs.flatMap(\.old) == before && report.programs.compactMap(\.new) == after)
      #expect(report.programs[0].places.count == 3 && report.stillHeld.isEmpty)
      #expect(maps(report) == ["hits": .kept, ".bss": .kept, ".rodata": .new])
      #expect(report.keys.map(\.from) == [.on] && report.keys.map(\.to) == [.on])
      #expect(try BPF.linkedProgramID(pin: collection.pin("links", "first_0")) == after[0])
      #expect(try BPF.programID(pin: extra) == after[0])
      #expect(try collection.run("first") == 11 && collection.hits(0) == 2)
      #expect(try !BPF.ids(of: .program).contains { before.contains($0) })
      try collection.flip(.disable, "deny")
      #expect(try collection.run("second") == 12)
    }

    @Test("what is new is pinned and attached, what is gone is detached and unpinned")
    func changes() throws {
      let (one, two, three) = (try VethPair(), try VethPair(), try VethPair())
      let hooks = ["first=xdp:\(one.receiverHook)", "second=xdp:\(two.receiverHook)"]
      let collection = try Collection(VersionedObject("heeds"), attach: hooks)
      let new = try VersionedObject("first-third-map")
      let report = try collection.replace(by: new, attach: ["third=xdp:\(three.receiverHook)"])
      #expect(outcomes(report) == ["first replaced", "third added", "heeds removed", "second removed"])
      #expect(maps(report) == ["hits": .kept, ".bss": .kept, ".rodata": .new, "fresh": .new, "gone": .removed])
      let gone = try #require(report.keys.first { $0.name.rawValue == "unused" })
      #expect(gone.from == .on && gone.to == nil)
      #expect(
        collection.pins == [
          "links/first_0", "links/third_2", "maps/fresh", "maps/hits", collection.internalPin(".bss"),
          collection.internalPin(".rodata"), "progs/first", "progs/third",
        ])
      #expect(try xdpProgram(of: two) == nil && xdpProgram(of: three) != nil, "it is detached")
      #expect(try collection.programs().map(\.name) == ["first", "third"])
      // The same again changes no hook: the program that is to be attached is there already.
      #expect(try collection.replace(by: new, attach: ["third=xdp:\(three.receiverHook)"]).links.isEmpty)
      #expect(collection.pins.filter { $0.hasPrefix("links/") } == ["links/first_0", "links/third_2"])
    }

    @Test("a map of devices is kept")
    func mapOfDevices() throws {
      let object = try VersionedObject("devices")
      #expect(maps(try Collection(object).replace(by: object))["devices"] == .kept)
    }

    @Test("a map of another shape is refused with both shapes, unless it is to start anew", arguments: [true, false])
    func shapes(dryRun: Bool) throws {
      let collection = try Collection(old)
      _ = try collection.run("first")
      let before = try collection.programs().map(\.id)
      let larger = try VersionedObject("larger")
      let error = #expect(throws: StaticKeysError.self) { try collection.replace(by: larger, dryRun: dryRun) }
      #expect(error?.code == .exists)
      let told = error?.message ?? ""
      #expect(
        told.contains("'hits' has another shape: array, key 4, value 8, 4 entries; the object's: array"), "\(told)")
      #expect(told.contains("'.bss' has another shape: 8 bytes: total at 0; the object's: 16 bytes: "), "\(told)")
      #expect(error?.advice?.contains("--fresh-map hits") == true)
      #expect(try collection.programs().map(\.id) == before)
      let report = try collection.replace(by: larger, fresh: ["hits", ".bss"], dryRun: dryRun)
      #expect(maps(report)["hits"] == .new)
      #expect(try collection.hits(0) == (dryRun ? 1 : 0))
      #expect(try (collection.programs().map(\.id) == before) == dryRun)
      let unknown = #expect(throws: StaticKeysError.self) { try collection.replace(by: old, fresh: ["nosuch"]) }
      #expect(unknown?.code == .notFound)
    }

    @Test("--set wins over the present value, --defaults takes the object's; a mixed key needs a word")
    func values() throws {
      let on = try VersionedObject("on")
      let collection = try Collection(old)
      try collection.replace(by: on)
      #expect(try collection.run("first") == 12)
      try collection.replace(by: on, set: [("deny", true)])
      #expect(try collection.run("first") == 11)
      try collection.replace(by: old, defaults: true)
      #expect(try collection.run("first") == 2)
      let pattern = try #require(KeyPattern("\(collection.name)/deny"))
      _ = try Changer().flip(.enable, [pattern], in: .name(Glob("first")), engine: .reload)
      let error = #expect(throws: StaticKeysError.self) { try collection.replace(by: on) }
      #expect(error?.code == .ambiguous)
      try collection.replace(by: on, set: [("d*", true)])
      #expect(try collection.run("first") == 11 && collection.run("second") == 11)
    }

    @Test("another type of program, a hook that is taken, a collection that is not there: refused, nothing changed")
    func refusals() throws {
      let veth = try VethPair()
      let collection = try Collection(old, attach: ["second=xdp:\(veth.receiverHook)"])
      let (pins, ids) = (collection.pins, try collection.programs().map(\.id))
      let kind = #expect(throws: StaticKeysError.self) { try collection.replace(by: VersionedObject("tc")) }
      #expect(kind?.code == .unsupported && kind?.place.program?.contains("/first") == true)
      let third = try VersionedObject("first-third")
      let taken = #expect(throws: StaticKeysError.self) {
        try collection.replace(by: third, attach: ["third=xdp:\(veth.receiverHook)"])
      }
      #expect(taken?.code == .exists)
      let missing = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().replace(FilePath(old.path), name: "nosuch_\(collection.name)")
      }
      #expect(missing?.code == .notFound)
      #expect(try collection.pins == pins && collection.programs().map(\.id) == ids)
    }

    @Test(
      "an error at each kernel call leaves old programs, or new ones if only tidying failed; the rerun completes it")
    func everyCall() throws {
      let recorder = Recorder()
      let new = try VersionedObject("first-third")
      var last = 0
      for number in 0... {
        let collection = try Collection(old)
        let (pins, ids) = (collection.pins, try collection.programs().map(\.id))
        recorder.restart { $0.count == number + 1 }
        let result = Result { try collection.replace(by: new, system: recorder.system) }
        let failed = recorder.calls.indices.contains(number) ? recorder.calls[number] : nil
        recorder.restart()
        switch result {
        case .success: #expect(try collection.programs().map(\.name) == ["first", "third"])
        case .failure(let error as StaticKeysError) where error.code == .partlyApplied:
          #expect(try collection.run("first") == 12, "call \(number), \(String(describing: failed)): \(error)")
        case .failure:
          #expect(try collection.programs().map(\.id) == ids, "call \(number), \(String(describing: failed))")
          #expect(collection.pins == pins, "call \(number), \(String(describing: failed))")
        }
        if case .failure = result {
          try collection.replace(by: new)
          let internals = [".bss", ".rodata"].map { collection.internalPin($0) }
          #expect(collection.pins == ["maps/hits"] + internals + ["progs/first", "progs/third"])
          #expect(BPFFSListing.directories(of: collection.name) == [collection.name])
          #expect(try collection.run("first") == 12 && collection.run("third") == 12)
        }
        last = number
        if failed == nil { break }
      }
      #expect(last > 50)
      Soak.report("\(last) errors forced, one at each kernel call of load --replace; the rerun completed each")
    }

    @Test("a program that the object lacks is said to be there still while somebody holds it")
    func removedAndHeld() throws {
      let collection = try Collection(old)
      let held = try BPF.open(pin: collection.pin("progs", "second"))
      let id = try BPF.info(held, bpf_prog_info()).id
      let new = try VersionedObject("first")
      let result = try keyctl(
        "load", "--replace", new.path, "--name", collection.name, Collection.engineOption, "--json")
      #expect(result.status == 6 && result.stderr.contains("\(id)"), "\(result)")
      let json = try JSON(parsing: result.stdout)
      #expect(json["still_held"] == .array([.int(Int(id))]), "\(json)")
      #expect(collection.pins.filter { $0.hasPrefix("progs") } == ["progs/first"])
    }

    @Test(
      "two versions of a program that both hang somewhere, as a kill leaves them, stay two when a key is flipped",
      arguments: [false, true])
    func twoVersions(isHooked: Bool) throws {
      let veth = try VethPair()
      let hooks = isHooked ? ["first=xdp:\(veth.receiverHook)"] : []
      let collection = try Collection(VersionedObject("literal"), attach: hooks)
      let path = collection.pin("progs", "older")
      do {
        let first = try BPF.open(pin: collection.pin("progs", "first"))
        try collection.replace(by: VersionedObject("literal-base10"))
        try #require(bpf_obj_pin(first.rawValue, path) == 0)
      }
      try collection.flip(.enable, "deny")
      #expect(try BPF.testRun(pin: path) == 1 && collection.run("first") == 11)
      #expect(try collection.state("deny") == .on)
    }

    @Test("killed at any moment: each hook has the old or the new program, and the same command completes it")
    func killed() throws {
      let (one, two) = (try VethPair(), try VethPair())
      let hooks = ["first=xdp:\(one.receiverHook)", "second=xdp:\(two.receiverHook)"]
      let objects = try [VersionedObject("base10"), VersionedObject("base20")]
      let third = try VersionedObject("three")
      let collection = try Collection(old, attach: hooks)
      let full = collection.pins
      let binary = try Tools.built("keyctl")
      func command(_ object: VersionedObject) -> [String] {
        [binary, "load", "--replace", object.path, "--name", collection.name]
      }
      let start = ContinuousClock.now
      try run(command(third)).checked()
      let longest = UInt32((ContinuousClock.now - start) / .microseconds(1))
      var killed = 0
      for round in 0..<24 {
        let object = round % 4 == 3 ? third : objects[round % 2]
        let child = try ChildProcess(command(object))
        usleep(UInt32(round) * (longest / 24))
        child.signal(SIGKILL)
        if try child.wait().status != 0 { killed += 1 }
        for (number, name) in ["first", "second"].enumerated() {
          let linked = try BPF.linkedProgramID(pin: collection.pin("links", "\(name)_\(number)"))
          #expect(try collection.programs().contains { $0.id == linked && $0.name == name }, "round \(round)")
        }
        try run(command(object)).checked()
        let base: UInt32 = round % 4 == 3 ? 30 : round % 2 == 0 ? 10 : 20
        #expect(try collection.run("first") == base + 2 && collection.run("second") == base + 2)
        #expect(collection.pins == (round % 4 == 3 ? (full + ["progs/third"]).sorted() : full), "round \(round)")
        #expect(try Set(collection.programs().map(\.name)).count == (round % 4 == 3 ? 3 : 2))
      }
      #expect(killed > 0)
    }
  }
}
