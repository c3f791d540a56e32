// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Links at tracing hooks that another loader made, or `--via link`.
  @Suite(.serialized, .requiresRoot, .censused)
  struct TracingLinks {
    private func rawLink(_ program: borrowing OwnedFD, _ name: String = "sys_enter") throws -> OwnedFD {
      try OwnedFD(bpf_raw_tracepoint_open(name, program.rawValue), "raw tracepoint")
    }

    @Test("one that is pinned nowhere is refused by name, and nothing is changed")
    func unpinned() throws {
      let rawtp = try Collection("rawtp", engine: .reload)
      let id = try #require(try rawtp.programs().first).id
      let link = try rawLink(BPF.open(.program, id: id))
      let error = #expect(throws: StaticKeysError.self) { try rawtp.flip(.enable, "*") }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("raw_tracepoint link") == true)
      #expect(error?.message.contains("(sys_enter)") == true)
      #expect(error?.message.contains("pinned nowhere") == true)
      #expect(try rawtp.programs().map(\.id) == [id])
      withExtendedLifetime(link) {}
    }

    @Test("one that another process holds is refused with its name")
    func heldByOther() throws {
      let rawtp = try Collection("rawtp", engine: .reload)
      let id = try #require(try rawtp.programs().first).id
      let other = try Sleeper(holding: rawLink(BPF.open(.program, id: id)))
      let error = #expect(throws: StaticKeysError.self) { try rawtp.flip(.enable, "*") }
      #expect(error?.message.contains("'sleep' (pid \(other.pid))") == true, "\(error?.description ?? "")")
      #expect(try rawtp.programs().map(\.id) == [id])
      other.end()
      // With the holder the hook is free, and the program replaceable.
      #expect(eventually(within: .seconds(3)) { (try? rawtp.flip(.enable, "*")) != nil })
      #expect(eventually(within: .seconds(2)) { (try? rawtp.state("trace")) == .on })
    }

    @Test("a pinned one is attached anew at the same path, and the old one goes")
    func pinned() throws {
      let rawtp = try Collection("rawtp", engine: .reload)
      let folder = try PinFolder()
      let old = try #require(try rawtp.programs().first).id
      do {
        let link = try rawLink(BPF.open(.program, id: old))
        #expect(bpf_obj_pin(link.rawValue, folder.pin("link")) == 0)
      }
      let oldLink = try linkID(folder.pin("link"))
      let report = try rawtp.flip(.enable, "trace")
      #expect(try BPF.linkedProgramID(pin: folder.pin("link")) == report.programs.first?.newID)
      #expect(eventually(within: .seconds(2)) { (try? BPF.ids(of: .link).contains(oldLink)) == false })
      #expect(eventually(within: .seconds(2)) { (try? BPF.ids(of: .program).contains(old)) == false })
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["link"])
      let calls = try BPF.open(pin: rawtp.pin("maps", "calls"))
      let before = try BPF.u64(calls, at: 0)
      for _ in 0..<100 { _ = getpgid(0) }
      #expect(try BPF.u64(calls, at: 0) >= before + 100)
      // And back again.
      let back = try rawtp.flip(.disable, "trace")
      #expect(try BPF.linkedProgramID(pin: folder.pin("link")) == back.programs.first?.newID)
      #expect(report.stillHeld.isEmpty && back.stillHeld.isEmpty)
      #expect(try rawtp.state("trace") == .off)
    }

    private func linkID(_ path: String) throws -> UInt32 { try BPF.info(BPF.open(pin: path), bpf_link_info()).id }

    @Test("what fails after a link was attached anew takes that back")
    func undo() throws {
      let recorder = Recorder()
      let rawtp = try Collection("rawtp", attach: ["auto"], via: .link, engine: .reload, system: recorder.system)
      let old = try #require(try rawtp.programs().first).id
      // The program's own pin comes after its link.
      recorder.restart { calls in calls.last == .rename && calls.count { $0 == .rename } == 2 }
      #expect(throws: StaticKeysError.self) { try rawtp.flip(.enable, "trace") }
      #expect(recorder.calls.count { $0 == .rawTracepointOpen } == 2)
      recorder.restart()
      #expect(try BPF.linkedProgramID(pin: rawtp.pin("links", "rawtp_0")) == old)
      #expect(eventually(within: .seconds(2)) { (try? rawtp.state("trace")) == .off })
      try rawtp.flip(.enable, "trace")
      #expect(try rawtp.state("trace") == .on)
    }

    @Test("a link on a perf event is refused, since nobody can tell for which process it is")
    func perfEvent() throws {
      let traced = try Collection("tracing", attach: ["uprobe=auto"], via: .link, engine: .reload)
      let error = #expect(throws: StaticKeysError.self) { try traced.flip(.enable, "variant") }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("hangs on a perf event") == true, "\(error?.description ?? "")")
      #expect(try traced.state("variant") == .off)
    }
  }
}
