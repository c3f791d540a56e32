// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// What a kill between the two steps of a tracing link's replacement leaves, and what looks like it.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct TracingLeftovers {
    /// `rawtp` by a link, after a flip whose new link is pinned beside the old one and could not be renamed over it.
    private struct Stage {
      let recorder = Recorder()
      let rawtp: Collection
      let old: UInt32
      let new: UInt32
      var links: [String] { (try? ChildPins.names(in: "\(rawtp.report.directory)/links")) ?? [] }

      init() throws {
        rawtp = try Collection("rawtp", attach: ["auto"], via: .link, engine: .reload, system: recorder.system)
        let (rawtp, recorder) = (rawtp, recorder)
        old = try #require(try rawtp.programs().first).id
        recorder.restart { $0.last == .rename || $0.last == .unlink }
        #expect(throws: StaticKeysError.self) { try rawtp.flip(.enable, "trace") }
        recorder.restart()
        new = try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0__new"))
        #expect(try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0")) == old)
        #expect(try rawtp.state("trace") == .mixed)
      }

      /// One program, at one link and one pin.
      func expectWhole(_ state: KeyStatus.State, program: UInt32) throws {
        #expect(links == ["rawtp_0"])
        #expect(try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0")) == program)
        #expect(try rawtp.id("rawtp") == program)
        #expect(eventually(within: .seconds(2)) { (try? rawtp.programs().map(\.id)) == [program] })
        #expect(try rawtp.state("trace") == state)
      }
    }

    @Test("the same command completes it with the link that is there, and attaches none")
    func same() throws {
      let stage = try Stage()
      let report = try stage.rawtp.flip(.enable, "trace")
      #expect(!stage.recorder.calls.contains(.rawTracepointOpen))
      #expect(report.stillHeld.isEmpty)
      try stage.expectWhole(.on, program: stage.new)
    }

    @Test("the opposite command takes it back")
    func opposite() throws {
      let stage = try Stage()
      let report = try stage.rawtp.flip(.disable, "trace")
      #expect(report.stillHeld.isEmpty)
      try stage.expectWhole(.off, program: stage.old)
    }

    @Test("a new object takes the place of both")
    func upgrade() throws {
      let stage = try Stage()
      let report = try CollectionLoader().replace(
        FilePath(Fixture.object("rawtp", clang: 19)), name: stage.rawtp.name, defaults: true, engine: .reload)
      #expect(report.stillHeld.isEmpty)
      try stage.expectWhole(.off, program: #require(report.programs.first?.new))
    }

    @Test("gc removes it")
    func garbage() throws {
      let stage = try Stage()
      let beside = stage.rawtp.pin("links", "rawtp_0__new")
      #expect(try GarbageCollector().collect(dryRun: true).removed.map(\.path.string).contains(beside))
      #expect(try GarbageCollector().collect().removed.map(\.path.string).contains(beside))
      try stage.expectWhole(.off, program: stage.old)
    }

    @Test("killed at that very moment, it is completed by the same command", .requires(tool: "strace"))
    func killed() throws {
      let rawtp = try Collection("rawtp", attach: ["auto"], via: .link, engine: .reload)
      let command = [try Tools.built("keyctl"), "enable", "\(rawtp.name)/trace", "--engine=reload"]
      let killing = ["strace", "-f", "-o", "/dev/null", "-e", "inject=rename:signal=SIGKILL:when=1"]
      #expect(try run(killing + command).status == 128 + SIGKILL)
      #expect(access(rawtp.pin("links", "rawtp_0__new"), F_OK) == 0)
      #expect(try rawtp.state("trace") == .mixed)
      try run(command).checked()
      #expect(access(rawtp.pin("links", "rawtp_0__new"), F_OK) != 0)
      #expect(try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0")) == rawtp.id("rawtp"))
      #expect(eventually(within: .seconds(2)) { (try? rawtp.programs().count) == 1 })
      #expect(try rawtp.state("trace") == .on)
    }

    @Test("what somebody else has pinned beside a link stays")
    func strangers() throws {
      let rawtp = try Collection("rawtp", attach: ["auto"], via: .link, engine: .reload)
      let other = try Collection("rawtp", engine: .reload)
      let beside = rawtp.pin("links", "rawtp_0__new")
      let theirs = try other.id("rawtp")
      do {
        let program = try other.open("rawtp")
        let link = try OwnedFD(bpf_raw_tracepoint_open("sys_enter", program.rawValue), "raw tracepoint")
        #expect(bpf_obj_pin(link.rawValue, beside) == 0)
      }
      try rawtp.flip(.enable, "trace")
      #expect(try BPF.linkedProgramID(pin: beside) == theirs)
      #expect(try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0")) == rawtp.id("rawtp"))
      #expect(try ChildPins.names(in: "\(rawtp.report.directory)/links") == ["rawtp_0", "rawtp_0__new"])
      #expect(try GarbageCollector().collect(dryRun: true).removed.isEmpty)
      try #require(unlink(beside) == 0)
    }

    @Test("a kernel that has not yet let go of a program is asked again", arguments: [EBUSY, EEXIST])
    func busy(errno: Int32) throws {
      let rawtp = try Collection("rawtp", attach: ["auto"], via: .link, engine: .reload)
      let refusals = Atomic<Int>(0)
      let system = BPFSystem { call throws(Errno) in
        guard call == .rawTracepointOpen, refusals.add(1, ordering: .relaxed).newValue <= 3 else { return }
        throw Errno(rawValue: errno)
      }
      try Changer(system: system).flip(.enable, [#require(KeyPattern("\(rawtp.name)/trace"))], engine: .reload)
      let attempts = refusals.load(ordering: .relaxed)
      #expect(attempts == 4)
      #expect(try rawtp.state("trace") == .on)
    }
  }
}
