// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

/// Instances of a template, of a collection that is unloaded when the test ends.
final class Instances {
  let name = Collection.newName()
  let template: CollectionTemplate
  private let engine: EngineChoice

  init(_ fixture: String, engine: EngineChoice = Collection.engineUnderTest) throws {
    self.engine = engine
    template = try TemplateBuilder().build(FilePath(Fixture.object(fixture, clang: 19)))
  }

  deinit { _ = try? CollectionStore().remove(name) }

  @discardableResult
  func add(
    _ specs: InstanceSpec..., sharing: [String] = [], system: BPFSystem = BPFSystem()
  ) throws -> InstancesReport {
    try CollectionLoader(system: system).load(
      template, name: name, instances: specs, sharing: sharing.map { Glob($0) }, engine: engine)
  }

  func flip(
    _ action: KeyAction, _ key: String, only instances: String? = nil, system: BPFSystem = BPFSystem()
  ) throws -> ChangeReport {
    let pattern = try #require(KeyPattern("\(name)/\(key)"))
    return try Changer(system: system).flip(
      action, [pattern], in: instances.map { .instance(Glob($0)) }, engine: engine)
  }

  func state(_ key: String, only instances: String? = nil) throws -> KeyStatus.State? {
    let pattern = try #require(KeyPattern("\(name)/\(key)"))
    let index = try ValueIndex(of: Inventory.current(), in: instances.map { .instance(Glob($0)) })
    return try index.matches(for: [pattern], among: .switches).switchState
  }

  func programs() throws -> [ManagedProgram] {
    try Inventory.current().programs.filter { $0.instance.collection == name }
  }

  var pins: [String] { BPFFSListing.files(under: CollectionStore.directory(of: name).string) }

  func pin(_ instance: String, _ part: String, _ entry: String) -> String {
    "\(CollectionStore.directory(of: name))/instances/\(instance)/\(part)/\(entry)"
  }

  func run(_ instance: String, _ program: String) throws -> UInt32 {
    try BPF.testRun(pin: pin(instance, "progs", program), data: [UInt8](repeating: 0, count: 64))
  }
}

extension InstanceSpec {
  /// An instance in which the keys named are on.
  init(_ name: String, on keys: String..., attach: String...) {
    self.init(
      name: name, settings: keys.map { (Glob($0), true) }, attach: attach.compactMap(AttachRequest.init))
  }
}

extension KernelTests {
  /// Many programs from one template.
  @Suite(.serialized, .requiresRoot, .censused)
  struct InstancesOfOne {
    @Test("each has its own values and maps; template, type information and shared maps are there once")
    func parts() throws {
      let multi = try Instances("multi")
      let report = try multi.add(InstanceSpec("a", on: "deny"), InstanceSpec("b"), InstanceSpec("c"), sharing: ["hits"])
      #expect(report.instances.map(\.name) == ["a", "b", "c"] && report.sharedMaps == ["hits"])
      let programs = try multi.programs()
      #expect(programs.count == 6)
      for name in ["multi_xdp", "multi_tc"] {
        let own = programs.filter { $0.name == name }
        #expect(Set(own.map(\.templateMapID)).count == 1 && Set(own.map(\.instanceMapID)).count == 3)
      }
      #expect(Set(programs.map(\.btfID)).count == 1)
      #expect(Set(programs.flatMap(\.instance.mapIDs)).count == 1, "the only map is shared")
      #expect(try multi.state("deny") == .mixed)
      #expect(try multi.state("deny", only: "a") == .on && multi.state("deny", only: "c") == .off)
      #expect(
        multi.pins == [
          "instances/a/progs/multi_tc", "instances/a/progs/multi_xdp", "instances/b/progs/multi_tc",
          "instances/b/progs/multi_xdp", "instances/c/progs/multi_tc", "instances/c/progs/multi_xdp", "maps/hits",
        ])
    }

    @Test("one that comes later takes template and shared maps from those that run, and has the rest for itself")
    func later() throws {
      let kinds = try Instances("kinds")
      try kinds.add(InstanceSpec("a"), sharing: ["ring", ".rodata*"])
      try kinds.add(InstanceSpec("b"), sharing: ["ring"])
      let programs = try kinds.programs().filter { $0.name == "kinds" }
      #expect(Set(programs.map(\.templateMapID)).count == 1 && Set(programs.map(\.btfID)).count == 1)
      let maps = programs.map { Set($0.instance.mapIDs) }
      #expect(maps[0].intersection(maps[1]).count == 1)
      let own = try Instances("kinds")
      try own.add(InstanceSpec("a"))
      try own.add(InstanceSpec("b"))
      let apart = try own.programs().filter { $0.name == "kinds" }.map { Set($0.instance.mapIDs) }
      #expect(apart[0].isDisjoint(with: apart[1]))
      let unknown = #expect(throws: StaticKeysError.self) { try own.add(InstanceSpec("c"), sharing: ["nosuch"]) }
      #expect(unknown?.code == .notFound && unknown?.advice?.contains("ring") == true)
    }

    @Test("a flip takes all of them in one transaction, or those that are named")
    func flips() throws {
      let four = try Instances("four")
      try four.add(InstanceSpec("w1"), InstanceSpec("w2"), InstanceSpec("db"))
      let all = try four.flip(.enable, "key_false")
      #expect(all.keys.map(\.to) == [.on] && all.programs.count == 6)
      #expect(Set(all.programs.map(\.plan.before.name)) == ["w1", "w2", "db"])
      #expect(try four.flip(.disable, "key_false", only: "w*").programs.count == 4)
      #expect(try four.state("key_false") == .mixed)
      #expect(try four.state("key_false", only: "w?") == .off && four.state("key_false", only: "db") == .on)
      let none = #expect(throws: StaticKeysError.self) { try four.flip(.enable, "key_false", only: "x*") }
      #expect(none?.code == .notFound)
      let mixed = #expect(throws: StaticKeysError.self) { try four.flip(.toggle, "key_false") }
      #expect(mixed?.code == .ambiguous)
      #expect(try four.run("db", "false_unlikely") != four.run("w1", "false_unlikely"))
    }

    @Test("a failure in the last of them leaves all as they were", .requiresEngine(.reload))
    func transaction() throws {
      let four = try Instances("four", engine: .reload)
      let recorder = Recorder()
      try four.add(InstanceSpec("a"), InstanceSpec("b"), InstanceSpec("c"))
      let before = try four.programs().map(\.id)
      for call in [BPFSystem.Call.programLoad, .rename] {
        recorder.restart { calls in calls.last == call && calls.count(where: { $0 == call }) == 6 }
        #expect(throws: StaticKeysError.self) { try four.flip(.enable, "key_false", system: recorder.system) }
        #expect(try four.programs().map(\.id) == before && four.state("key_false") == .off)
      }
    }

    @Test("a name that is taken, or asked for twice, changes nothing")
    func nameTaken() throws {
      let four = try Instances("four")
      try four.add(InstanceSpec("a"))
      let (pins, ids) = (four.pins, try four.programs().map(\.id))
      let taken = #expect(throws: StaticKeysError.self) { try four.add(InstanceSpec("b"), InstanceSpec("a")) }
      #expect(taken?.code == .exists && taken?.message.contains("an instance 'a' already") == true)
      let twice = #expect(throws: StaticKeysError.self) { try four.add(InstanceSpec("b"), InstanceSpec("b")) }
      #expect(twice?.code == .exists)
      for name in ["", "a/b", "..", "x y", "*"] {
        let bad = #expect(throws: StaticKeysError.self) { try four.add(InstanceSpec(name)) }
        #expect(bad?.code == .usage)
      }
      #expect(try four.pins == pins && four.programs().map(\.id) == ids)
    }

    @Test("an error at any call while instances are made leaves what there was", .timeLimit(.minutes(5)))
    func everyCall() throws {
      let tcx = try Instances("tcx")
      try tcx.add(InstanceSpec("old"))
      let pins = tcx.pins
      let recorder = Recorder()
      var number = 0
      while true {
        let limit = number
        recorder.restart { $0.count == limit + 1 }
        do {
          try tcx.add(InstanceSpec("new"), sharing: [], system: recorder.system)
          if recorder.calls.count <= limit { break }
          // What failed was of no consequence, such as to remove what was not there.
          #expect(tcx.pins != pins)
        } catch let error as StaticKeysError {
          // Once the pins are settled a failure is told as what is left to do; the next writer does it.
          if error.code != .partlyApplied {
            #expect(tcx.pins == pins, "call \(number), \(String(describing: recorder.calls.last))")
          }
        }
        try CollectionStore().remove(tcx.name)
        try tcx.add(InstanceSpec("old"))
        number += 1
      }
      #expect(number > 20)
    }

    @Test("a hook that cannot be had takes back what was attached before it")
    func hooks() throws {
      let veth = try VethPair()
      let four = try Instances("four")
      let hook = "false_unlikely=xdp:\(veth.receiverHook)"
      let error = #expect(throws: StaticKeysError.self) {
        try four.add(InstanceSpec("a", attach: hook), InstanceSpec("b", attach: "false_unlikely=xdp:nosuch0"))
      }
      #expect(error?.code == .notFound && error?.place.program?.contains("[b]") == true)
      #expect(!CollectionStore().names().contains(four.name))
      let report = try four.add(InstanceSpec("a", attach: hook))
      #expect(report.instances[0].report.links.count == 1)
      _ = try four.flip(.enable, "key_false")
      #expect(
        try BPF.linkedProgramID(pin: four.pin("a", "links", "false_unlikely_0"))
          == BPF.programID(pin: four.pin("a", "progs", "false_unlikely")))
    }

    @Test("unload takes some of them, and the collection with the last one")
    func unload() throws {
      let four = try Instances("four")
      try four.add(InstanceSpec("w1"), InstanceSpec("w2"), InstanceSpec("db"))
      #expect(try CollectionStore().remove(four.name, instances: Glob("w*")).count == 8)
      #expect(CollectionStore().instances(of: four.name) == ["db"])
      let none = #expect(throws: StaticKeysError.self) {
        try CollectionStore().remove(four.name, instances: Glob("w*"))
      }
      #expect(none?.code == .notFound && none?.advice == "it has db")
      try CollectionStore().remove(four.name, instances: Glob("*"))
      #expect(!CollectionStore().names().contains(four.name))
      try four.add(InstanceSpec("a"), InstanceSpec("b"))
      #expect(try CollectionStore().remove(four.name).count == 8)
    }

    @Test("an object does for a template, and instances stand beside programs that are loaded just once")
    func fromObject() throws {
      let single = try Collection("four")
      let object = try FilePath(Fixture.object("four", clang: 19))
      let report = try CollectionLoader().load(
        object, name: single.name, instances: [InstanceSpec("x", on: "key_false")], engine: Collection.engineUnderTest)
      #expect(report.wasLoaded)
      #expect(try single.state("key_false") == .mixed)
      let programs = try single.programs()
      #expect(programs.count == 8 && Set(programs.map(\.templateMapID)).count == 4)
      #expect(try CollectionStore().remove(single.name, instances: Glob("x")).count == 4)
      #expect(try single.state("key_false") == .off)
    }

    @Test("a collection with instances cannot be joined or replaced by an object")
    func noReplacing() throws {
      let four = try Instances("four")
      try four.add(InstanceSpec("a"))
      let object = try FilePath(Fixture.object("four", clang: 19))
      let add = #expect(throws: StaticKeysError.self) { try CollectionLoader().add(object, to: four.name) }
      let replace = #expect(throws: StaticKeysError.self) { try CollectionLoader().replace(object, name: four.name) }
      #expect(add?.code == .unsupported && replace?.code == .unsupported)
    }
  }
}
