// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension Instances {
  /// The pin of a section's map, of an instance or of the collection.
  func pin(ofSection section: String, of instance: String? = nil) throws -> String {
    let folder = "\(CollectionStore.directory(of: name))/" + (instance.map { "instances/\($0)/" } ?? "") + "maps"
    let suffix = section.replacing(".", with: "_")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    guard let entry = names.first(where: { $0.hasSuffix(suffix) }) else {
      throw HarnessError("no \(section) in \(names)")
    }
    return "\(folder)/\(entry)"
  }

  /// Whether the map pinned there is the one that the programs of some instances use, all of them.
  func isUsed(_ pin: String, by instances: String...) throws -> Bool {
    let id = try BPF.mapID(pin: pin)
    let users = try programs().filter {
      $0.name == "reads_verdict" && instances.contains($0.instance.name ?? "")
    }
    return users.count == instances.count && users.allSatisfy { $0.instance.mapIDs.contains(id) }
  }
}

extension KernelTests {
  /// What is pinned of a place's constants is what its programs use.
  @Suite(.serialized, .requiresRoot, .censused)
  struct MapPinsOfPlaces {
    enum Next: String, CaseIterable {
      case sameCommand, laterCommand, garbageCollection, otherInstance
    }

    @Test(
      "whoever comes after a writer that ended between programs and pins makes up for it", arguments: Next.allCases)
    func overtaken(next: Next) throws {
      let values = try Instances("values")
      let recorder = Recorder()
      try values.add(InstanceSpec("a"), sharing: [".rodata"])
      let pin = try values.pin(ofSection: ".rodata")
      // The pins of three programs are renamed, then that of the map: from there on nothing goes any more.
      recorder.restart { calls in calls.count { $0 == .rename } >= 4 }
      let error = #expect(throws: StaticKeysError.self) { try values.set("verdict=1", system: recorder.system) }
      #expect(error?.code == .partlyApplied)
      #expect(try values.run("a", "reads_verdict") == 1)
      try #require(try !values.isUsed(pin, by: "a"))
      switch next {
      case .sameCommand: #expect(try values.set("verdict=1").programs.isEmpty)
      case .laterCommand: #expect(try values.set("verdict=3").programs.count == 3)
      case .garbageCollection:
        #expect(try GarbageCollector().collect(dryRun: true).completed.map(\.string) == [pin])
        #expect(try !values.isUsed(pin, by: "a"))
        #expect(try GarbageCollector().collect().completed.map(\.string) == [pin])
        #expect(try GarbageCollector().collect().completed.isEmpty)
      case .otherInstance:
        try values.add(InstanceSpec("b"), sharing: [".rodata"])
        #expect(try values.run("b", "reads_verdict") == 1)
        #expect(try values.isUsed(pin, by: "a", "b"))
      }
      #expect(try values.isUsed(pin, by: "a"))
      try values.set("verdict=4")
      #expect(try values.isUsed(pin, by: "a"))
    }

    @Test("an instance that leaves a map that another one uses takes its pin along")
    func adopted() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a"), InstanceSpec("b"))
      let first = try values.pin(ofSection: ".rodata", of: "a")
      let second = try values.pin(ofSection: ".rodata", of: "b")
      try values.set("verdict=5")
      #expect(try BPF.mapID(pin: first) == BPF.mapID(pin: second), "one map for one content")
      try values.set("verdict=6", only: "a")
      #expect(try values.isUsed(first, by: "a") && values.isUsed(second, by: "b"))
      #expect(try BPF.mapID(pin: first) != BPF.mapID(pin: second))
    }

    @Test("a shared map stays pinned while anyone uses it, and instances with maps of their own have no say in it")
    func shared() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a"), InstanceSpec("b"), sharing: [".rodata"])
      try values.add(InstanceSpec("own"))
      let pin = try values.pin(ofSection: ".rodata")
      try values.set("verdict=5", only: "a")
      #expect(try values.isUsed(pin, by: "b"))
      try values.set("verdict=6", only: "b")
      #expect(try values.isUsed(pin, by: "b"), "the map of the one who left last")
      try values.set("verdict=7")
      #expect(try values.isUsed(pin, by: "a", "b", "own"), "one map for one content")
      try values.set("verdict=8", only: "?")
      #expect(try values.isUsed(pin, by: "a", "b"))
      #expect(try values.isUsed(values.pin(ofSection: ".rodata", of: "own"), by: "own"))
    }

    @Test("gc removes what was to be renamed over a map's pin, and nothing that is only named so")
    func besidePin() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a"), InstanceSpec("b"))
      let pin = try values.pin(ofSection: ".rodata", of: "a")
      let others = [
        try values.pin(ofSection: ".bss", of: "a") + "__new",
        try values.pin(ofSection: ".data", of: "a") + "__new",
      ]
      func pinAgain(_ old: String, as new: String) throws {
        try run(["bpftool", "map", "pin", "pinned", old, new]).checked()
      }
      try pinAgain(values.pin(ofSection: ".rodata", of: "b"), as: pin + "__new")
      try pinAgain(pin, as: others[0])
      try pinAgain(values.pin(ofSection: ".data", of: "b"), as: others[1])
      let report = try GarbageCollector().collect()
      #expect(report.removed.map(\.path.string) == [pin + "__new"] && report.completed.isEmpty)
      #expect(others.allSatisfy { access($0, F_OK) == 0 })
      #expect(try values.isUsed(pin, by: "a"))
    }

    @Test("maps of the author's own that only look like one another stay where they are pinned", .requiresCompiler)
    func lookAlikes() throws {
      // The kernel keeps 15 characters of a name.
      let maps = ["settings_of_mine_a", "settings_of_mine_b"].map { name in
        """
        struct {
          __uint(type, BPF_MAP_TYPE_ARRAY);
          __uint(max_entries, 1);
          __uint(map_flags, BPF_F_RDONLY_PROG);
          __type(key, __u32);
          __type(value, __u64);
        } \(name) SEC(".maps");
        """
      }
      let program = """
        SEC("xdp") int reads(void *ctx)
        {
          __u32 key = 0;
          return static_branch_unlikely(&deny) && bpf_map_lookup_elem(&settings_of_mine_b, &key) ? 1 : 2;
        }
        """
      let object = try CompiledObject(then: (maps + [program]).joined(separator: "\n"))
      let collection = try Collection(object: object.path)
      #expect(collection.pins.contains("maps/settings_of_mine_a"))
      #expect(try GarbageCollector().collect(dryRun: true).completed.isEmpty)
    }

    @Test("killed at each of its renames in turn, the same command completes it", .requires(tool: "strace"))
    func killed() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a"), InstanceSpec("b"))
      let pins = try ["a", "b"].map { try values.pin(ofSection: ".rodata", of: $0) }
      let before = values.pins
      var killed = 0
      for number in 1...20 {
        let command = [try Tools.built("keyctl"), "set", "\(values.name)/verdict=\(number + 2)"]
        let traced = [
          "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=/^rename", "-e",
          "inject=/^rename:signal=KILL:when=\(number)",
        ]
        let result = try run(traced + command)
        if result.status == 0 { break }
        try #require(result.status == 128 + SIGKILL, "\(result)")
        killed += 1
        try run(command).checked()
        for (pin, instance) in zip(pins, ["a", "b"]) {
          #expect(try values.isUsed(pin, by: instance), "after a kill at rename \(number)")
          #expect(try values.run(instance, "reads_verdict") == UInt32(number + 2))
        }
        #expect(values.pins == before, "after a kill at rename \(number)")
      }
      #expect(killed == 8, "the pins of three programs and of one map, of two instances")
    }
  }
}
