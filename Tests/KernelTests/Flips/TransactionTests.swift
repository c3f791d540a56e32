// SPDX-License-Identifier: Apache-2.0

import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// A flip over many programs: all loads come first, and whatever fails later is taken back or told.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct Transactions {
    /// How many programs the fixture has.
    private static let count = 20

    private func load(_ recorder: Recorder) throws -> Collection {
      try Collection("many", engine: .reload, system: recorder.system)
    }

    private func running(_ collection: Collection) throws -> [Int: UInt32] {
      var result: [Int: UInt32] = [:]
      for index in 0..<Self.count { result[index] = try collection.run("p\(index)") }
      return result
    }

    @Test("twenty programs are loaded before the first is replaced, and all get the new state")
    func loadsFirst() throws {
      let recorder = Recorder()
      let many = try load(recorder)
      recorder.restart()
      let report = try many.flip(.enable, "all")
      let calls = recorder.calls
      let firstRename = try #require(calls.firstIndex(of: .rename))
      #expect(calls[..<firstRename].count { $0 == .programLoad } == Self.count)
      #expect(calls[firstRename...].count { $0 == .programLoad } == 0)
      #expect(report.programs.count == Self.count)
      #expect(try running(many).values.allSatisfy { $0 == 1 })
    }

    @Test(
      "a load that fails, be it the first, some or the last, leaves all programs as they were", arguments: [1, 7, 20])
    func failingLoad(number: Int) throws {
      let recorder = Recorder()
      let many = try load(recorder)
      let before = try many.programs().map(\.id)
      recorder.restart { $0.last == .programLoad && $0.count { $0 == .programLoad } == number }
      let error = #expect(throws: StaticKeysError.self) { try many.flip(.enable, "all") }
      #expect(error?.code != .partlyApplied && error?.errno == ENOMEM)
      recorder.restart()
      #expect(try many.programs().map(\.id) == before)
      #expect(try running(many).values.allSatisfy { $0 == 2 })
    }

    @Test("a replacement that fails in the middle takes back those before it", arguments: [1, 13, 20])
    func failingSwap(number: Int) throws {
      let recorder = Recorder()
      let many = try load(recorder)
      let before = try many.programs().map(\.id)
      recorder.restart { $0.last == .rename && $0.count { $0 == .rename } == number }
      let error = #expect(throws: StaticKeysError.self) { try many.flip(.enable, "all") }
      #expect(error?.code != .partlyApplied && error?.errno == ENOMEM)
      #expect(recorder.calls.count { $0 == .rename } == 2 * number - 1)
      recorder.restart()
      #expect(try many.programs().map(\.id) == before)
      #expect(try running(many).values.allSatisfy { $0 == 2 })
      #expect(BPFFSListing.files(under: many.pin("progs", "")).count == Self.count)
    }

    @Test("what cannot be taken back is named, and nothing else; the same command completes it")
    func stuck() throws {
      let recorder = Recorder()
      let many = try load(recorder)
      // The tenth replacement fails, and on the way back the first two steps: those of the ninth and the eighth.
      recorder.restart { calls in
        calls.last == .rename && (10...12).contains(calls.count { $0 == .rename })
      }
      let error = #expect(throws: StaticKeysError.self) { try many.flip(.enable, "all") }
      #expect(error?.code == .partlyApplied)
      let told = try #require(error?.message)
      recorder.restart()
      let new = try running(many).filter { $0.value == 1 }.keys.sorted()
      #expect(new.count == 2)
      for index in 0..<Self.count {
        #expect(told.contains("\(many.name)/p\(index) (program ") == new.contains(index), "p\(index): \(told)")
      }
      for index in new { #expect(told.contains("at pin \(many.pin("progs", "p\(index)"))")) }
      #expect(told.hasSuffix("all else is as it was"))
      #expect(try many.state("all") == .mixed)
      try many.flip(.enable, "all")
      #expect(try running(many).values.allSatisfy { $0 == 1 })
    }
  }
}
