// SPDX-License-Identifier: Apache-2.0

import Glibc
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A gate at the syscall door that records calls and answers some in the kernel's place with ENOMEM.
final class Recorder: Sendable {
  /// Says whether the last of the calls so far is to fail.
  typealias Condition = @Sendable ([BPFSystem.Call]) -> Bool

  /// No tuple: in one, each change of a member wraps the closure once more.
  private struct State {
    var calls: [BPFSystem.Call] = []
    var fails: Condition = { _ in false }
  }

  private let state = Mutex(State())

  /// The calls so far.
  var calls: [BPFSystem.Call] { state.withLock { $0.calls } }

  /// Forgets the calls so far, and makes those fail from now on for which `fails` says so.
  func restart(failing fails: @escaping Condition = { _ in false }) { state.withLock { $0 = State(fails: fails) } }

  /// The kernel behind this gate.
  var system: BPFSystem {
    BPFSystem { call throws(Errno) in
      let fails = self.state.withLock { state in
        state.calls.append(call)
        return state.fails(state.calls)
      }
      if fails { throw Errno.noMemory }
    }
  }
}

extension KernelTests {
  /// An error at any kernel call: all or nothing, and nothing leaked.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct ForcedErrors {
    @Test(
      "a flip over two hooked programs fails at each of its calls in turn and leaves the old state",
      .requires(kernel: "6.6", for: "tcx links"))
    func everyCallOfAFlip() throws {
      let veth = try VethPair()
      let recorder = Recorder()
      let hooks = ["multi_xdp=xdp:\(veth.receiverHook)", "multi_tc=tcx-ingress:\(veth.receiverHook)"]
      let multi = try Collection("multi", attach: hooks, engine: .reload, system: recorder.system)
      recorder.restart()
      try multi.flip(.enable, "deny")
      let calls = recorder.calls
      #expect(calls.count(where: { $0 == .programLoad }) == 2)
      #expect(calls.count(where: { $0 == .linkUpdate }) == 2)
      try multi.flip(.disable, "deny")
      var before = try multi.programs().map(\.id)
      var forced = 0
      for number in 0... {
        recorder.restart { $0.count == number + 1 }
        do {
          try multi.flip(.enable, "deny")
        } catch let error as StaticKeysError {
          let failed = recorder.calls[number]
          recorder.restart()
          #expect(error.errno == ENOMEM && error.code != .partlyApplied, "call \(number), \(failed): \(error)")
          #expect(try multi.programs().map(\.id) == before, "call \(number), \(failed)")
          #expect(try multi.state("deny") == .off)
          forced += 1
          continue
        }
        // Nothing but the look for leftovers, which comes after the last change, may fail and not be an error.
        let calls = recorder.calls
        let lastChange = try #require(calls.lastIndex { $0 == .linkUpdate || $0 == .rename })
        #expect(number > lastChange, "call \(number)")
        recorder.restart()
        #expect(try multi.state("deny") == .on)
        try multi.flip(.disable, "deny")
        before = try multi.programs().map(\.id)
        if number >= calls.count { break }
      }
      Soak.report(
        "\(forced) errors forced, one at each kernel call of a flip over two programs; each left the old state")
    }

    @Test("a load fails at each of its calls in turn and leaves nothing")
    func everyCallOfALoad() async throws {
      let veth = try VethPair()
      let recorder = Recorder()
      let attach = ["xdp:\(veth.receiverHook)"]
      recorder.restart()
      do { _ = try Collection("counter", attach: attach, engine: .reload, system: recorder.system) }
      let calls = recorder.calls
      #expect(calls.contains(.linkCreate) && calls.contains(.programBindMap))
      for number in calls.indices {
        recorder.restart { $0.count == number + 1 }
        let error = #expect(throws: StaticKeysError.self, "call \(number), \(calls[number])") {
          try Collection("counter", attach: attach, engine: .reload, system: recorder.system)
        }
        #expect(error?.errno == ENOMEM)
        #expect(BPFFSListing.directories(of: "t\(getpid())_") == [])
      }
      Soak.report("\(calls.count) errors forced, one at each kernel call of a load; each left nothing")
    }

    @Test("going back that fails too is said, and the same command completes it")
    func doubleFault() throws {
      let recorder = Recorder()
      let four = try Collection("four", engine: .reload, system: recorder.system)
      // The second of two programs' pins cannot be renamed, and then no pin can be opened to go back.
      recorder.restart { calls in
        let renames = calls.count { $0 == .rename }
        return renames == 2 && (calls.last == .rename || calls.last == .openPin)
      }
      let error = #expect(throws: StaticKeysError.self) { try four.flip(.enable, "key_false") }
      #expect(error?.code == .partlyApplied)
      recorder.restart()
      #expect(try four.state("key_false") == .mixed)
      try four.flip(.enable, "key_false")
      #expect(try four.state("key_false") == .on)
    }
  }
}
