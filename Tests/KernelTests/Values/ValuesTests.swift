// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension Collection {
  /// Sets values of this collection, each "NAME=VALUE".
  @discardableResult
  func set(_ assignments: String..., dryRun: Bool = false, engine: EngineChoice = Collection.engineForValues) throws
    -> ChangeReport
  {
    try Changer(system: kernel).apply(try wishes(assignments), engine: engine, dryRun: dryRun)
  }

  func wishes(_ assignments: [String]) throws -> [Wish] {
    try assignments.map { try Assignment($0).wish(in: name) }
  }

  /// What a value, or a part of it, is now.
  func get(_ expression: String) throws -> String {
    try ValueIndex.now(expression, in: name)?.description ?? "<mixed>"
  }
}

extension KernelTests {
  /// Constants in .rodata, and variables of .data and .bss.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Values {
    @Test("a constant set is what the program returns, and the verifier drops what it makes dead", arguments: [14, 19])
    func constant(clang: Int) throws {
      let values = try Collection("values", clang: clang)
      #expect(try values.run("reads_verdict") == 2)
      #expect(try values.get("verdict") == "2")
      let short = try values.translatedLength("reads_verdict")
      let report = try values.set("verdict=1", "limits.rate[2]=11", "debug=on")
      #expect(
        report.values.map(\.from) == [
          .integer(isNegative: false, magnitude: 2), .integer(isNegative: false, magnitude: 3), .boolean(false),
        ])
      #expect(try values.run("reads_verdict") == 111)
      #expect(try values.translatedLength("reads_verdict") > short)
      try values.set("debug=off")
      #expect(try values.run("reads_verdict") == 1)
      #expect(try values.translatedLength("reads_verdict") == short)
    }

    @Test("constants of every type")
    func types() throws {
      let values = try Collection("values")
      let settings = [
        "tiny=-128", "wide=0xfedcba9876543210", "mode=MODE_NEGATIVE", "device=wlan0", "limits.low=3",
        "limits.high=0x1f", "limits.name=\"ab\"", "limits.bytes=[1, 2, 3, 4]", "verdict=4294967295",
      ]
      let report = try Changer().apply(try values.wishes(settings))
      #expect(report.values.allSatisfy { $0.kind == .constant && $0.isChange })
      let expected = [
        "tiny": "-128", "wide": "18364758544493064720", "mode": "MODE_NEGATIVE", "device": "\"wlan0\"",
        "limits.low": "3", "limits.high": "31", "limits.name": "\"ab\"", "limits.word": "67305985",
        "verdict": "4294967295", "ratio": "0.5", "limits.cookie": "0x0",
      ]
      for (name, text) in expected { #expect(try values.get(name) == text, "\(name)") }
      #expect(try values.run("reads_mode") == 50)
      #expect(try values.set("limits=\(values.get("limits"))").programs.isEmpty)
    }

    @Test(
      "all programs that use a constant get one new map, which takes the old one's pin; the others stay as they are")
    func oneMap() throws {
      let values = try Collection("values")
      let pin = try values.pin("maps", CollectionMaps.rodata(values))
      let old = try BPF.mapID(pin: pin)
      let before = try values.programs()
      let report = try values.set("verdict=1")
      let new = try BPF.mapID(pin: pin)
      #expect(new != old)
      #expect(Set(report.programs.map(\.plan.template.name)) == ["reads_verdict", "reads_mode", "refused_when_wide"])
      for program in try values.programs() {
        let uses = before.first { $0.name == program.name }?.instance.mapIDs.contains(old) == true
        #expect(uses == program.instance.mapIDs.contains(new))
        #expect(!program.instance.mapIDs.contains(old))
        #expect(!uses || !program.mapIDs.contains(old))
      }
      let info = try BPF.info(BPF.open(.map, id: new), bpf_map_info())
      let was = try BPF.info(BPF.open(.map, id: old), bpf_map_info())
      #expect(info.map_flags == was.map_flags && info.value_size == was.value_size && info.btf_id == was.btf_id)
      #expect(info.btf_value_type_id == was.btf_value_type_id)
      var key: UInt32 = 0
      var bytes = [UInt8](repeating: 0, count: Int(info.value_size) + 8)
      let frozen = try BPF.open(.map, id: new)
      #expect(bpf_map_update_elem(frozen.rawValue, &key, &bytes, 0) == -EPERM)
    }

    @Test("a variable is set in place: no program changes, and what programs count beside it goes on")
    func variable() throws {
      let values = try Collection("values")
      let before = try values.programs().map(\.id)
      for _ in 0..<3 { _ = try values.run("reads_verdict") }
      let report = try values.set("threshold=5", "live.rate[1]=7", "live.low=-2", "live.name=ab")
      #expect(report.programs.isEmpty && report.values.allSatisfy { $0.kind == .variable })
      #expect(try values.programs().map(\.id) == before)
      #expect(try values.run("reads_threshold") == 10)
      #expect(try values.get("packets") == "3")
      #expect(try values.get("calls") == "3")
      #expect(try values.get("live.rate") == "[1, 7, 0, 0]")
      #expect(try values.get("live.name") == "\"ab\"")
      try values.set("packets=0x100000000")
      #expect(try values.get("packets") == "4294967296")
      #expect(try values.get("calls") == "3")
    }

    @Test("setting a variable loses no count of a program that runs meanwhile, nor does a reader see half a number")
    func concurrentCounts() throws {
      let values = try Collection("values")
      let writer = ThreadOfSets(values)
      defer { _ = try? writer.stop() }
      var seen: Set<String> = []
      for _ in 0..<2000 { _ = try values.run("reads_verdict") }
      for _ in 0..<50 { seen.insert(try values.get("threshold")) }
      #expect(try writer.stop() > 0)
      #expect(seen.isSubset(of: ["10", "0", "4294967295"]))
      #expect(try values.get("packets") == "2000")
      #expect(try values.get("calls") == "2000")
    }

    @Test("keys, constants, immediates and variables change in one transaction, or none of them does")
    func mixed() throws {
      let consts = try Collection("consts")
      let values = try Collection("values")
      let wishes = try consts.wishes(["tiny=3", "key=on"]) + values.wishes(["verdict=1", "threshold=1"])
      let report = try Changer().apply(wishes)
      #expect(report.keys.map(\.to) == [.on])
      #expect(try consts.run("branches") == 101)
      #expect(try values.run("reads_verdict") == 1 && values.run("reads_threshold") == 1)
      let bad = try consts.wishes(["tiny=4", "key=off"]) + values.wishes(["threshold=2", "wide=1"])
      let error = #expect(throws: StaticKeysError.self) { try Changer().apply(bad) }
      #expect(error?.code == .verifier)
      #expect(try consts.get("tiny") == "3" && values.get("threshold") == "1")
      #expect(try consts.state("key") == .on)
    }

    @Test("a constant that the verifier refuses leaves the old values in force")
    func refused() throws {
      let values = try Collection("values")
      let before = try values.programs().map(\.id)
      let pinned = try BPF.mapID(pin: values.pin("maps", CollectionMaps.rodata(values)))
      for dryRun in [true, false] {
        let error = #expect(throws: StaticKeysError.self) { try values.set("wide=1", dryRun: dryRun) }
        #expect(error?.code == .verifier)
        #expect(error?.place.source?.hasPrefix("values.bpf.c:") == true)
      }
      #expect(try values.programs().map(\.id) == before)
      #expect(try BPF.mapID(pin: values.pin("maps", CollectionMaps.rodata(values))) == pinned)
      #expect(try values.get("wide") == "1234605616436508552")
      #expect(try values.run("reads_verdict") == 2)
    }

    @Test("maps keep their content over every change of a constant")
    func mapsStay() throws {
      let values = try Collection("values")
      for round in 1...3 {
        _ = try values.run("reads_verdict")
        try values.set("verdict=\(round + 2)")
        #expect(try values.get("packets") == "\(round)")
      }
    }

    @Test("a dry run verifies and changes nothing")
    func dryRun() throws {
      let values = try Collection("values")
      let before = try values.programs().map(\.id)
      let report = try values.set("verdict=1", "threshold=1", dryRun: true)
      #expect(report.programs.count == 3 && report.values.map(\.isChange) == [true, true])
      #expect(try values.programs().map(\.id) == before)
      #expect(try values.get("verdict") == "2" && values.get("threshold") == "10")
    }

    @Test("a truth value that is constant is a key to enable, disable, toggle and ask for")
    func switches() throws {
      let values = try Collection("values")
      try values.flip(.enable, "debug", engine: Collection.engineForValues)
      #expect(try values.run("reads_verdict") == 103)
      #expect(try values.flip(.enable, "debug", engine: Collection.engineForValues).programs.isEmpty)
      try values.flip(.toggle, "debug", engine: Collection.engineForValues)
      #expect(try values.run("reads_verdict") == 2)
      #expect(try values.state("debug") == .off)
      let error = #expect(throws: StaticKeysError.self) { try values.flip(.enable, "verdict") }
      #expect(error?.code == .notFound)
      #expect(error?.message.contains("it is the constant __u32 verdict") == true)
    }

    @Test("narrowed to one program, a constant is another there; setting it for all makes it one again")
    func narrowed() throws {
      let values = try Collection("values")
      let pin = try values.pin("maps", CollectionMaps.rodata(values))
      let first = try BPF.mapID(pin: pin)
      let program = try #require(try values.programs().first { $0.name == "reads_verdict" })
      try Changer().apply(values.wishes(["verdict=1"]), in: .id(program.id))
      #expect(try values.get("verdict") == "<mixed>")
      #expect(try BPF.mapID(pin: pin) == first)
      #expect(try values.run("reads_verdict") == 1)
      let report = try values.set("verdict=1")
      #expect(report.programs.count == 2)
      #expect(try values.get("verdict") == "1")
      #expect(try BPF.mapID(pin: pin) != first)
      #expect(Set(try values.programs().flatMap(\.instance.mapIDs)).contains(first) == false)
    }

    @Test("values given at load are in force from the first run", arguments: [14, 19])
    func initial(clang: Int) throws {
      let values = try Collection(
        "values", clang: clang, values: ["debug=true", "limits.rate[2]=5", "threshold=0x20", "live.rate[1]=1"])
      #expect(try values.run("reads_verdict") == 105)
      #expect(try values.run("reads_threshold") == 33)
      let consts = try Collection("consts", clang: clang, values: ["level=LEVEL_HIGH", "key=on"])
      #expect(try consts.run("branches") == 105)
      #expect(try consts.run("stores") == 5)
      for (text, code) in [
        ("verdikt=1", StaticKeysError.Code.notFound), ("verdict=x", .badValue), ("limits.no=1", .notFound),
        ("seen=1", .ambiguous), ("folded=1", .notFound),
      ] {
        let error = #expect(throws: StaticKeysError.self) { try Collection("values", clang: clang, values: [text]) }
        #expect(error?.code == code, "\(text)")
      }
    }

    @Test(
      "bad input is refused, says why, and changes nothing",
      arguments: [
        ("verdikt=1", "not_found", "no key or value matches"), ("verdict=4294967296", "bad_value", "__u32 verdict"),
        ("tiny=128", "bad_value", "__s8 tiny"), ("verdict=-1", "bad_value", "out of range"),
        ("debug=2", "bad_value", "bool debug"), ("mode=MODE_NONE", "bad_value", "enum mode mode"),
        ("limits.rat=1", "not_found", "struct limits limits has no member 'rat'"),
        ("limits.rate[4]=1", "not_found", "__u16 limits.rate[4] has no element 4"),
        ("limits=1", "bad_value", "struct limits limits"), ("limits.rate=[1]", "bad_value", "has 4 elements"),
        ("device=0123456789abcdef", "bad_value", "char device[16]"), ("ratio=1.5", "bad_value", "cannot be set"),
        ("limits.cookie=0x1", "bad_value", "void *limits.cookie"), ("folded=4", "not_found", "no key or value"),
        ("seen=1", "ambiguous", "reads_mode.seen"), ("verdict=", "bad_value", "__u32 verdict"),
        ("verdict.x=1", "not_found", "has no members"), ("verdict[0]=1", "not_found", "is no array"),
      ])
    func badInput(assignment: String, code: String, message: String) throws {
      let values = try Collection("values")
      let before = try values.programs().map(\.id)
      let error = #expect(throws: StaticKeysError.self) { try values.set("threshold=99", assignment) }
      #expect(error?.code.rawValue == code)
      #expect(error?.message.contains(message) == true, "\(error?.description ?? "")")
      #expect(try values.programs().map(\.id) == before)
      #expect(try values.get("threshold") == "10")
    }

    @Test("a plain name that two collections have is ambiguous; with the collection, or a pattern for it, it is not")
    func twoCollections() throws {
      let first = try Collection("talk")
      let second = try Collection("talk")
      let error = #expect(throws: StaticKeysError.self) { try Changer().apply([try Wish.value("bar", "[1,1,1,1]")]) }
      #expect(error?.code == .ambiguous)
      #expect(
        error?.message.contains("\(first.name)/bar") == true && error?.message.contains("\(second.name)/bar") == true)
      try Changer().apply([try Wish.value("t*/bar", "[9, 8, 7, 6]")])
      #expect(try first.get("bar") == "[9, 8, 7, 6]" && second.get("bar") == "[9, 8, 7, 6]")
    }

    @Test("what a value's setting says brings it back")
    func settings() throws {
      let values = try Collection("values")
      let saved = try ValueIndex(of: Inventory.current()).values.filter {
        $0.collection == values.name && $0.kind == .constant
      }
      .compactMap(\.setting)
      // A floating-point number cannot be set, and so is no setting; nor is the pointer in the struct.
      #expect(saved.count == 7 && saved.allSatisfy { !$0.text.contains("cookie") && !$0.name.hasSuffix("ratio") })
      try values.set("verdict=9", "limits={low=1, high=1, rate=[9,9,9,9], name=z, word=1}", "device=x", "mode=5")
      try Changer().apply(saved.map { try Wish.value($0.name, $0.text) })
      let now = try ValueIndex(of: Inventory.current()).values.filter {
        $0.collection == values.name && $0.kind == .constant
      }
      .compactMap(\.setting)
      #expect(now.map(\.text) == saved.map(\.text))
    }

    @Test(
      "an error at any kernel call leaves all or nothing",
      arguments: [
        BPFSystem.Call.mapCreate, .mapUpdate, .mapFreeze, .mapMemory, .mapLookup, .btfByID, .programLoad,
        .programBindMap, .programByID, .pin, .openPin, .rename, .lock,
      ])
    func forcedErrors(call: BPFSystem.Call) throws {
      let recorder = Recorder()
      let values = try Collection("values", system: recorder.system)
      for count in 1...200 {
        recorder.restart { calls in calls.last == call && calls.filter { $0 == call }.count == count }
        do throws(StaticKeysError) {
          try values.apply("verdict=1", "threshold=1")
          recorder.restart()
          break
        } catch {
          recorder.restart()
          #expect(error.code != .partlyApplied, "\(call) \(count): \(error)")
          #expect(try values.get("verdict") == "2" && values.get("threshold") == "10", "\(call) \(count): \(error)")
        }
      }
      recorder.restart()
      #expect(try values.get("verdict") == "1" && values.get("threshold") == "1")
      try values.set("verdict=2")
      #expect(try values.run("reads_verdict") == 2)
    }
  }
}
