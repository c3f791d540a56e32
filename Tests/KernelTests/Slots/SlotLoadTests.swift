// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Loads behind slots that fail or are killed.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SlotLoads {
    @Test(
      "a load behind a slot fails at each of its calls in turn and leaves nothing",
      arguments: ["rawtp", "oneprobe"])
    func everyCallOfALoad(fixture: String) throws {
      let recorder = Recorder()
      recorder.restart()
      do { _ = try Collection(fixture, attach: ["auto"], engine: .reload, system: recorder.system) }
      let calls = recorder.calls
      #expect(calls.contains(fixture == "rawtp" ? .rawTracepointOpen : .perfEventOpen))
      for number in calls.indices {
        recorder.restart { $0.count == number + 1 }
        let error = #expect(throws: StaticKeysError.self, "call \(number), \(calls[number])") {
          try Collection(fixture, attach: ["auto"], engine: .reload, system: recorder.system)
        }
        #expect(error?.errno == ENOMEM)
        #expect(Collection.ownNames().isEmpty)
      }
    }

    @Test(
      "a flip of a slot fails at each of its calls in turn and leaves the old state",
      arguments: [("rawtp", "trace"), ("oneprobe", "variant")])
    func everyCallOfAFlip(fixture: String, key: String) throws {
      let recorder = Recorder()
      let collection = try Collection(fixture, attach: ["auto"], engine: .reload, system: recorder.system)
      recorder.restart()
      try collection.flip(.enable, key)
      let calls = recorder.calls
      let lastChange = try #require(calls.lastIndex { $0 == .rename })
      try collection.flip(.disable, key)
      for number in 0...lastChange {
        let before = try collection.programs().map(\.id)
        recorder.restart { $0.count == number + 1 }
        let error = #expect(throws: StaticKeysError.self, "call \(number), \(calls[number])") {
          try collection.flip(.enable, key)
        }
        recorder.restart()
        #expect(error?.code != .partlyApplied)
        #expect(try collection.programs().map(\.id) == before, "call \(number), \(calls[number])")
        let array = try BPF.open(pin: collection.pin("slots", fixture))
        #expect(before == [try BPF.u32(array, at: 0)], "call \(number), \(calls[number])")
      }
    }

    @Test("what a killed load leaves is a whole collection, which unload removes, or what the next load removes")
    func killed() throws {
      let object = try Fixture.object("oneprobe", clang: 19)
      let keyctl = try Tools.built("keyctl")
      let name = Collection.newName()
      let command = [keyctl, "load", object, "--name", name, "--attach", "auto"]
      let start = ContinuousClock.now
      try run(command).checked()
      let length = UInt32((ContinuousClock.now - start) / .microseconds(1))
      try CollectionStore().remove(name)
      let unfinished = "\(CollectionStore.directory(of: name))__new"
      var cut = 0
      for round in 0..<10 {
        let child = try ChildProcess(command)
        for _ in 0..<(length / 100) where access(unfinished, F_OK) != 0 { usleep(100) }
        usleep(length * UInt32(round) / 20)
        child.signal(SIGKILL)
        _ = try child.wait()
        if access(unfinished, F_OK) == 0 {
          cut += 1
          try run(command).checked()
          #expect(access(unfinished, F_OK) != 0)
        }
        if CollectionStore().names().contains(name) { try CollectionStore().remove(name) }
      }
      #expect(cut > 0)
    }

    @Test("show says at which hooks a program's slot is")
    func shown() throws {
      let loaded = try Collection("rawtp", attach: ["raw_tp:sys_enter", "raw_tp:sys_exit"])
      let result = try run([Tools.built("keyctl"), "show", "\(loaded.name)/trace"]).checked()
      let line = try #require(result.stdout.split(separator: "\n").dropFirst().first)
      #expect(
        line.contains(/slot at raw_tracepoint link \d+ \(sys_enter\) and raw_tracepoint link \d+ \(sys_exit\)/),
        "\(line)")
    }
  }
}
