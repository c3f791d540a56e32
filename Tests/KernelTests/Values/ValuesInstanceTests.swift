// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport
import Testing

extension Instances {
  /// Sets values, each "NAME=VALUE", of all instances or of those named.
  @discardableResult
  func set(_ assignments: String..., only instances: String? = nil, system: BPFSystem = BPFSystem()) throws
    -> ChangeReport
  {
    try Changer(system: system).apply(
      assignments.map { try Assignment($0).wish(in: name) }, in: instances.map { .instance(Glob($0)) },
      engine: Collection.engineForValues)
  }

  func get(_ expression: String, only instances: String? = nil) throws -> String {
    try ValueIndex.now(expression, in: name, of: instances.map { .instance(Glob($0)) })?.description ?? "<mixed>"
  }
}

extension InstanceSpec {
  /// An instance with first values, each "NAME=VALUE".
  fileprivate init(_ name: String, values: String...) throws {
    try self.init(name: name, values: values.map { try Assignment($0).initialValue() })
  }
}

extension KernelTests {
  /// Constants, immediates and variables of instances.
  @Suite(.serialized, .requiresRoot, .censused)
  struct InstanceValues {
    @Test("each instance has constants and variables of its own; set takes all of them, or those that are named")
    func constantsAndVariables() throws {
      let values = try Instances("values")
      try values.add(
        InstanceSpec("w1", values: "verdict=5", "threshold=20"), InstanceSpec("w2", values: "verdict=6"),
        InstanceSpec("db"))
      func verdicts() throws -> [UInt32] { try ["w1", "w2", "db"].map { try values.run($0, "reads_verdict") } }
      func thresholds() throws -> [UInt32] { try ["w1", "w2", "db"].map { try values.run($0, "reads_threshold") } }
      #expect(try verdicts() == [5, 6, 2] && thresholds() == [20, 10, 10])
      #expect(try values.get("verdict") == "<mixed>" && values.get("verdict", only: "w1") == "5")

      let narrowed = try values.set("verdict=7", "threshold=30", only: "w*")
      #expect(Set(narrowed.programs.map(\.plan.before.name)) == ["w1", "w2"])
      #expect(try verdicts() == [7, 7, 2] && thresholds() == [30, 30, 10])
      let all = try values.set("verdict=8", "threshold=40")
      #expect(all.values.map(\.from) == [nil, nil] && all.programs.count == 9)
      #expect(try verdicts() == [8, 8, 8] && thresholds() == [40, 40, 40])
    }

    @Test("each instance has immediates of its own; set takes all of them, or those that are named")
    func immediates() throws {
      let consts = try Instances("consts")
      try consts.add(InstanceSpec("w1", values: "level=LEVEL_HIGH", "tiny=3"), InstanceSpec("w2"), InstanceSpec("db"))
      func levels() throws -> [UInt32] { try ["w1", "w2", "db"].map { try consts.run($0, "stores") } }
      #expect(try levels() == [5, 1, 1] && consts.get("tiny") == "<mixed>" && consts.get("tiny", only: "w1") == "3")
      try consts.set("level=7", only: "w?")
      #expect(try levels() == [7, 7, 1])
      try consts.set("level=9")
      #expect(try levels() == [9, 9, 9] && consts.get("level") == "9")
    }

    @Test("a failure in the last of them leaves the values of all as they were")
    func transaction() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a", values: "verdict=5"), InstanceSpec("b"), InstanceSpec("c"))
      let recorder = Recorder()
      let before = try values.programs().map(\.id)
      // Three programs of each have the constant, and each is pinned; the last step maps the variables' memory.
      for (call, last) in [(BPFSystem.Call.programLoad, 9), (.rename, 9), (.mapMemory, 3)] {
        recorder.restart { calls in calls.last == call && calls.count(where: { $0 == call }) == last }
        let error = #expect(throws: StaticKeysError.self) {
          try values.set("verdict=1", "threshold=1", system: recorder.system)
        }
        #expect(error?.code != .partlyApplied && error?.code != .notFound, "\(call)")
        #expect(try values.programs().map(\.id) == before, "\(call)")
        #expect(try values.get("verdict", only: "a") == "5" && values.get("verdict", only: "c") == "2")
        #expect(try values.get("threshold") == "10")
      }
      recorder.restart()
      #expect(try values.set("verdict=1", "threshold=1", system: recorder.system).programs.count == 9)
    }

    @Test("a variable in a map that others share cannot be narrowed: who else has the map is told, nothing changes")
    func sharedVariables() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a"), InstanceSpec("b"), sharing: [".data"])
      let refused = try keyctl("set", "\(values.name)/verdict=9", "\(values.name)/threshold=5", "--instance", "a")
      #expect(refused.status == 3 && refused.stdout == "")
      #expect(refused.stderr.contains("the variable \(values.name)/threshold cannot be set for some programs alone"))
      #expect(refused.stderr.contains("\(values.name)[b]/reads_threshold (id "))
      #expect(try values.get("threshold") == "10" && values.get("verdict") == "2")
      // Here all that use the map are meant.
      try keyctl("set", "\(values.name)/threshold=5", "--prog", "name:reads_thr*").checked()
      #expect(try values.get("threshold") == "5")
      try values.set("threshold=6")
      #expect(try values.run("a", "reads_threshold") == 6 && values.run("b", "reads_threshold") == 6)
      let own = try keyctl("set", "\(values.name)/packets=5", "--instance", "b")
      #expect(own.status == 0 && own.stdout.contains("packets: 0 -> 5 (variable, in place"))
      #expect(try values.get("packets", only: "a") == "0")
      let inOne = try keyctl("set", "\(values.name)/packets=6", "--prog", "name:reads_verdict")
      #expect(inOne.status == 3 && inOne.stderr.contains("/reads_mode (id "))
    }

    @Test("save and restore take one instance's values, which together are mixed")
    func saveOne() throws {
      let values = try Instances("values")
      try values.add(InstanceSpec("a", values: "verdict=5", "threshold=20"), InstanceSpec("b"))
      let names = ["\(values.name)/*", "\(values.name)/threshold"]
      func save(_ options: String...) throws -> CommandResult {
        try run([Tools.built("keyctl"), "save"] + names + options)
      }
      let together = try save()
      #expect(together.status == 2 && together.stdout.contains("# verdict: mixed"))
      let saved = try save("--instance", "a").checked().stdout
      #expect(saved.contains("verdict: 5\n") && saved.contains("threshold: 20\n"))
      let program = try keyctl("save", names[0], "--prog", "name:reads_verdict", "--instance", "b").checked().stdout
      #expect(program.contains("verdict: 2\n"))
      try values.set("verdict=7", "threshold=1")
      try run([Tools.built("keyctl"), "restore", "-q", "-", "--instance", "a"], input: saved).checked()
      #expect(try save("--instance", "a").checked().stdout == saved)
      #expect(try values.get("verdict", only: "b") == "7" && values.get("threshold", only: "b") == "1")
    }
  }
}
