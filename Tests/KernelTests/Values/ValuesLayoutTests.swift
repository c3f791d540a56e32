// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

/// A collection with programs of two objects that mean different things by the same names.
final class TwoLayouts {
  enum Way: CaseIterable {
    case into, instances
  }

  let name = Collection.newName()
  private let way: Way

  init(_ way: Way) throws {
    self.way = way
    let engine = Collection.engineUnderTest
    let paths = try ["layout_a", "layout_b"].map { FilePath(try Fixture.object($0, clang: 19)) }
    switch way {
    case .into:
      _ = try CollectionLoader().load(paths[0], name: name, engine: engine)
      _ = try CollectionLoader().add(paths[1], to: name, engine: engine)
    case .instances:
      for (path, instance) in zip(paths, ["a", "b"]) {
        _ = try CollectionLoader().load(path, name: name, instances: [InstanceSpec(instance)], engine: engine)
      }
    }
  }

  deinit { _ = try? CollectionStore().remove(name) }

  @discardableResult
  func set(_ assignments: String..., only program: String? = nil) throws -> ChangeReport {
    try Changer().apply(
      assignments.map { try Assignment($0).wish(in: name) }, in: program.map { .name(Glob($0)) },
      engine: Collection.engineForValues)
  }

  func flip(_ action: KeyAction, _ key: String) throws -> ChangeReport {
    try Changer().flip(action, [#require(KeyPattern("\(name)/\(key)"))], engine: Collection.engineForValues)
  }

  func get(_ expression: String) throws -> DecodedValue? { try ValueIndex.now(expression, in: name) }

  /// What both programs return.
  func run() throws -> [UInt32] {
    try ["a", "b"].map { letter in
      let part = way == .instances ? "instances/\(letter)/" : ""
      return try BPF.testRun(
        pin: "\(CollectionStore.directory(of: name))/\(part)progs/layout_\(letter)",
        data: [UInt8](repeating: 0, count: 64))
    }
  }
}

extension KernelTests {
  /// Values that a collection's objects have at different places, or of different types.
  @Suite(.serialized, .requiresRoot, .censused)
  struct ValueLayouts {
    private static func number(_ value: UInt128) -> DecodedValue { .integer(isNegative: false, magnitude: value) }

    @Test("a value of one name is one, wherever and as whatever each object has it", arguments: TwoLayouts.Way.allCases)
    func set(way: TwoLayouts.Way) throws {
      let both = try TwoLayouts(way)
      // What is added to a collection starts with the key values that it has.
      #expect(try both.flip(.disable, "trace").keys.map(\.from) == [way == .into ? .off : .mixed])
      #expect(try both.run() == [20110, 30220])
      let report = try both.set("cfg.limit=5", "level=3")
      #expect(report.programs.count == 2)
      #expect(report.values.map(\.from) == [nil, nil])
      #expect(report.values.map(\.to) == [Self.number(5), Self.number(3)])
      #expect(try both.run() == [20305, 30305])
      #expect(try both.flip(.enable, "debug").programs.count == 2)
      #expect(try both.run() == [21305, 31305])
      #expect(try both.flip(.toggle, "trace").programs.count == 2)
      try both.set("threshold=33")
      #expect(try both.get("threshold") == Self.number(33) && both.run() == [33, 33])
    }

    @Test("what is not the same everywhere after a change is told so", arguments: TwoLayouts.Way.allCases)
    func mixedAfterwards(way: TwoLayouts.Way) throws {
      let both = try TwoLayouts(way)
      let report = try both.set("cfg={burst=4}")
      #expect(report.values.map(\.isChange) == [true] && report.values.map(\.to) == [nil])
      #expect(try both.get("cfg") == nil && both.get("cfg.burst") == Self.number(4))
      #expect(try both.set("cfg={burst=4}").values.map(\.isChange) == [false])
      #expect(
        try keyctl("set", "\(both.name)/cfg={burst=4}").checked().stdout == "\(both.name)/cfg: already <mixed>\n")
    }

    @Test("what one object's type does not have or hold is refused by its program's name, and nothing changes")
    func refused() throws {
      let both = try TwoLayouts(.instances)
      _ = try both.flip(.disable, "trace")
      let before = try both.run()
      for (text, code) in [("cfg.name=x", StaticKeysError.Code.notFound), ("cfg.limit=0x100000000", .badValue)] {
        let error = #expect(throws: StaticKeysError.self) { try both.set("level=9", text) }
        #expect(error?.code == code)
        #expect(error?.place.program?.hasPrefix("\(both.name)[b]/layout_b (id ") == true, "\(text): \(error as Any)")
      }
      // What all of them refuse for the same reason is told once.
      let all = #expect(throws: StaticKeysError.self) { try both.set("cfg.nosuch=1") }
      #expect(all?.code == .notFound)
      let plain = #expect(throws: StaticKeysError.self) { try both.set("level=x") }
      #expect(plain?.place.isEmpty == true)
      #expect(try both.run() == before)
      try both.set("cfg.name=x", only: "layout_a")
      #expect(try both.run() == before)
    }

    @Test("of several values each is said to reload the programs that have it, not all of the collection's")
    func counts() throws {
      let both = try TwoLayouts(.into)
      let told = try keyctl("set", "\(both.name)/only_a=2", "\(both.name)/only_b=3").checked().stdout
      #expect(told.contains("\(both.name)/only_a: 1 -> 2 (constant, 1 program)\n"))
      #expect(told.contains("\(both.name)/only_b: 1 -> 3 (constant, 1 program)\n"))
      #expect(told.contains("in all: 2 programs"))
      let set = try keyctl("set", "\(both.name)/level=5", "\(both.name)/threshold=6", "--json").checked().stdout
      // A variable reloads nothing, though what has it is reloaded for the constant beside it.
      #expect(try JSON(parsing: set)["values"]?.array.compactMap { $0["programs"]?.int } == [2, 0])
    }

    @Test("list and show have one row for each name, with each of its types, and no default where there are two")
    func listed() throws {
      let both = try TwoLayouts(.into)
      let rows = try JSON(parsing: keyctl("list", "\(both.name)/*", "--json").checked().stdout).array
      #expect(
        rows.compactMap { $0["key"]?.string }
          == ["trace", "cfg", "debug", "level", "only_a", "only_b", "spare", "threshold"])
      #expect(rows[0]["default"] == .null && rows[0]["programs"]?.array.count == 2)
      let get = try JSON(parsing: keyctl("get", "\(both.name)/cfg.limit", "--json").checked().stdout)
      #expect(get[0]?["type"]?.string == "__u64 cfg.limit or __u32 cfg.limit")
      let shown = try keyctl("show", "\(both.name)/trace", "\(both.name)/cfg").checked().stdout
      #expect(shown.contains("\(both.name)/trace: off (2 programs, 2 sites)\n"))
      #expect(shown.contains("\(both.name)/cfg: <mixed> (constant struct config cfg, 2 programs)\n"))
    }

    @Test("a variable whose map can only be written as a whole is refused, and keeps what programs count")
    func onlyStatics() throws {
      let statics = try Collection("statics")
      #expect(try statics.run("counts") == 1)
      let error = #expect(throws: StaticKeysError.self) { try statics.set("calls=7") }
      #expect(error?.code == .unsupported && error?.message.contains("can only be written as a whole") == true)
      #expect(error?.advice?.contains("make the variable global") == true)
      #expect(try statics.get("calls") == "1" && statics.run("counts") == 2)
    }
  }
}
