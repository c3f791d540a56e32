// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import Synchronization
import TestSupport
import Testing

extension KernelTests.Patch {
  /// Another writer, who heeds no lock: inverts a program's branches by the raw command right before keyctl's own
  /// command of a number.
  private final class Overtaker: Sendable {
    let recorder = Recorder()
    private let answers = Mutex<[Int32]>([])

    /// What the kernel answered the other writer.
    var errnos: [Int32] { answers.withLock { $0 } }

    /// Inverts the program at `pins[n]` right before the `n`th command from now on.
    func overtake(_ pins: [Int: String]) {
      recorder.restart { [self] calls in
        let number = calls.count { $0 == .staticBranchUpdate }
        if calls.last == .staticBranchUpdate, let pin = pins[number] {
          let errno = try? StaticBranches.current?.invert(BPF.open(pin: pin))
          answers.withLock { $0.append(errno ?? -1) }
        }
        return false
      }
    }
  }

  @Test("what another writer changed in between is reported, and stays as that writer left it")
  func overtaken() throws {
    let overtaker = Overtaker()
    let multi = try Collection("multi", engine: .patch, system: overtaker.recorder.system)
    overtaker.overtake([1: multi.pin("progs", "multi_xdp")])
    let error = #expect(throws: StaticKeysError.self) { try multi.flip(.enable, "count_xdp") }
    #expect(overtaker.errnos == [0])
    #expect(error?.code == .changedMeanwhile && error?.errno == EBUSY)
    #expect(
      error?.place.key == "count_xdp" && error?.place.program?.hasPrefix("\(multi.name)/multi_xdp (") == true,
      "\(String(describing: error))")
    // The other writer had enabled it, and deny with it.
    #expect(try multi.state("count_xdp") == .on && multi.run("multi_xdp") == 1)
    overtaker.recorder.restart()
    #expect(try multi.flip(.enable, "count_xdp").programs.isEmpty)
    #expect(try multi.flip(.toggle, "count_xdp").keys.map(\.to) == [.off])
    #expect(try multi.run("multi_xdp") == 1, "deny is as the other writer left it")
  }

  @Test("a failure that is no site's names none")
  func nobodysFault() throws {
    let recorder = Recorder()
    let multi = try Collection("multi", engine: .patch, system: recorder.system)
    recorder.restart { $0.last == .staticBranchUpdate }
    let error = #expect(throws: StaticKeysError.self) { try multi.flip(.enable, "count_xdp") }
    #expect(error?.errno == ENOMEM && error?.place.program != nil, "\(String(describing: error))")
    #expect(error?.place.key == nil, "\(String(describing: error))")
  }

  @Test("overtaken in the second of two programs, the first is taken back")
  func overtakenInTheSecond() throws {
    let overtaker = Overtaker()
    let multi = try Collection("multi", engine: .patch, system: overtaker.recorder.system)
    let names = try multi.programs().sorted { $0.id < $1.id }.map(\.name)
    overtaker.overtake([2: multi.pin("progs", names[1])])
    let error = #expect(throws: StaticKeysError.self) { try multi.flip(.enable, "deny") }
    #expect(error?.code == .changedMeanwhile && overtaker.errnos == [0])
    overtaker.recorder.restart()
    let deny = try #require(KeyName("deny"))
    let values = try multi.programs().sorted { $0.id < $1.id }.map { $0.value(of: deny) }
    #expect(values == [false, true], "taken back; as the other writer left it")
  }

  @Test("overtaken once more on the way back, the change is told to be partial; the same command completes it")
  func overtakenOnTheWayBack() throws {
    let overtaker = Overtaker()
    let multi = try Collection("multi", engine: .patch, system: overtaker.recorder.system)
    let names = try multi.programs().sorted { $0.id < $1.id }.map(\.name)
    // The first program is changed, the second overtaken, and then the first before it is taken back.
    overtaker.overtake([2: multi.pin("progs", names[1]), 3: multi.pin("progs", names[0])])
    let error = #expect(throws: StaticKeysError.self) { try multi.flip(.enable, "deny") }
    #expect(error?.code == .partlyApplied && error?.errno == EBUSY && overtaker.errnos == [0, 0])
    overtaker.recorder.restart()
    #expect(try multi.state("deny") == .mixed)
    try multi.flip(.enable, "deny")
    #expect(try multi.state("deny") == .on)
  }

  @Test("a writer of other keys by the raw command gets in nobody's way")
  func besideARawWriter() throws {
    let kernel = try #require(StaticBranches.current)
    let multi = try Collection("multi", engine: .patch)
    let deny = try #require(KeyPattern("\(multi.name)/deny"))
    let key = try #require(KeyName("count_xdp"))
    let managed = try #require(try multi.programs().first { $0.name == "multi_xdp" })
    let site = try #require(managed.template.sites.first { $0.key == key })
    let times = 301
    try Race.concurrently([
      {
        for _ in 0..<times { _ = try Changer().flip(.toggle, [deny], engine: .patch) }
      },
      {
        let program = try BPF.open(.program, id: managed.id)
        for time in 0..<times {
          let (from, to) = time % 2 == 0 ? (0, site.jumpOffset) : (site.jumpOffset, 0)
          let answer = kernel.update(
            program, [sk_static_branch(insn_off: site.insn.rawValue, expected_off: from, new_off: to)])
          guard answer.errno == 0 else { throw HarnessError("update \(time)", errno: answer.errno) }
        }
      },
    ])
    #expect(try multi.state("deny") == .on && multi.state("count_xdp") == .on)
  }
}
