// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension KernelTests {
  /// What `include/static_key.bpf.h` makes, seen through bpftool: a loader that knows nothing of static keys.
  @Suite(.serialized, .requires(tool: "bpftool")) struct Header {
    static let versions = [14, 19]

    /// Loads all programs of an object and gives the folder of their pins to `body`.
    static func withLoaded(_ object: String, clang version: Int, _ body: (PinFolder) throws -> Void) throws {
      let folder = try PinFolder()
      try run(["bpftool", "prog", "loadall", Fixture.object(object, clang: version), folder.pin("progs")]).checked()
      try body(folder)
    }

    /// What a program returns for an empty packet.
    static func returned(by program: String, in folder: PinFolder) throws -> Int? {
      let packet = try TemporaryFolder()
      let file = try packet.write([UInt8](repeating: 0, count: 64), to: "packet")
      return try Bpftool.json("prog", "run", "pinned", folder.pin("progs/\(program)"), "data_in", file)["retval"]?.int
    }

    /// The instructions that the kernel kept, without their numbers.
    static func kept(of program: String, in folder: PinFolder) throws -> [String] {
      let dump = try Bpftool.json("prog", "dump", "xlated", "pinned", folder.pin("progs/\(program)"))
      return dump.array.compactMap { $0["disasm"]?.string }
    }
  }
}

extension KernelTests.Header {
  @Test(
    arguments: [
      "backward", "badarm", "cgroup", "counter", "four", "four-stripped", "multi", "nobtf", "nokeys", "rawtp",
      "samename", "share", "share-stripped", "subprogs", "subprogs-stripped", "tcx", "vmlinux",
    ], versions)
  func anyLoaderTakesIt(object: String, version: Int) throws {
    try Self.withLoaded(object, clang: version) { folder in
      let pins = try FileManager.default.contentsOfDirectory(atPath: folder.pin("progs"))
      #expect(!pins.isEmpty)
    }
  }

  @Test func anyLoaderTakesTheExample() throws {
    let folder = try PinFolder()
    try run(["bpftool", "prog", "load", Fixture.existing("Examples/flowmon.bpf.o"), folder.pin("flowmon")]).checked()
    #expect(FileManager.default.fileExists(atPath: folder.pin("flowmon")))
  }

  @Test(
    arguments: [
      ("four", "true_likely", 1), ("four", "true_unlikely", 1),
      ("four", "false_likely", 2), ("four", "false_unlikely", 2),
      ("four-stripped", "true_unlikely", 1), ("four-stripped", "false_likely", 2),
      ("nobtf", "true_unlikely", 1), ("nobtf", "false_likely", 2),
      ("subprogs", "subprogs", 0), ("subprogs-stripped", "subprogs", 0),
      ("share", "share_a", 11), ("share", "share_b", 2), ("share-stripped", "share_a", 11),
    ], versions)
  func keysHaveTheirDefaultValue(_ program: (object: String, name: String, value: Int), version: Int) throws {
    try Self.withLoaded(program.object, clang: version) { folder in
      let value = try Self.returned(by: program.name, in: folder)
      #expect(value == program.value)
    }
  }

  /// `warm` is loaded in line, `cold` only in the out-of-line region.
  @Test(arguments: [("true_likely", 1, 2), ("false_unlikely", 2, 1)], versions)
  func onlyTheMoveIsLeft(_ program: (name: String, warm: Int, cold: Int), version: Int) throws {
    try Self.withLoaded("four", clang: version) { folder in
      let kept = try Self.kept(of: program.name, in: folder)
      let moves = kept.filter { $0.contains(/\ = \d+$/) }
      #expect(moves == ["(b7) r1 = \(program.warm)", "(b7) r0 = 0"])
      #expect(!kept.contains { $0.contains("goto") || $0.hasSuffix("= \(program.cold)") })
    }
  }

  @Test(arguments: ["subprogs", "subprogs-stripped"], versions)
  func regionsOfAllSitesAreGone(object: String, version: Int) throws {
    try Self.withLoaded(object, clang: version) { folder in
      let kept = try Self.kept(of: "subprogs", in: folder)
      #expect(kept.count { $0 == "(b7) r0 = 0" } == 6, "one move each of main, static, global, loop and inlined twice")
      for summand in [1, 10, 100, 1000, 10000] {
        // The loop's own counter goes up by one.
        let own = summand == 1 ? 1 : 0
        #expect(kept.count { $0.hasSuffix("+= \(summand)") } == own, "the enabled arm adds \(summand)")
      }
    }
  }

  @Test(arguments: versions)
  func armThatWouldBeRefusedIsGone(version: Int) throws {
    try Self.withLoaded("badarm", clang: version) { folder in
      let kept = try Self.kept(of: "bad", in: folder)
      #expect(!kept.contains { $0.contains("+100)") }, "\(kept)")
      #expect(try Self.returned(by: "bad", in: folder) == 2)
    }
  }

  @Test(arguments: versions)
  func keyThatIsNotDefinedIsRefused(version: Int) throws {
    let folder = try PinFolder()
    let object = try Fixture.object("undefined", clang: version)
    let result = try run(["bpftool", "prog", "loadall", object, folder.pin("progs")])
    #expect(result.status != 0)
    #expect(result.stderr.contains("extern") && result.stderr.contains(".static_keys"), "\(result)")
  }

  @Test(arguments: versions)
  func keyOfTwoDefaultsDoesNotLink(version: Int) throws {
    let folder = try TemporaryFolder()
    let halves = try ["share_a", "share_mismatch"].map { try Fixture.object($0, clang: version) }
    let result = try run(["bpftool", "gen", "object", folder.file("joined.o")] + halves)
    #expect(result.status != 0)
    #expect(result.stderr.contains("'shared': incompatible"), "\(result)")
  }
}
