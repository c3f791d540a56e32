// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Flipping in place, on a kernel with the series of kernel-patches.
  @Suite(.serialized, .requiresEngine(.patch))
  struct Patch {
    @Test("the program stays: its id, its tag, what it hangs on; only its answer changes")
    func inPlace() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .patch)
      let before = try #require(try counter.programs().first)
      #expect(before.instance.form == .native)
      let report = try counter.flip(.enable, "variant")
      #expect(report.programs.map(\.engine) == [.patch])
      #expect(report.programs.map(\.newID) == [before.id])
      #expect(report.stillHeld.isEmpty)
      let after = try #require(try counter.programs().first)
      #expect(after.id == before.id && after.tag == before.tag)
      #expect(after.value(of: before.template.sites[0].key) == true)
      #expect(try BPF.linkedProgramID(pin: counter.pin("links", "counter_0")) == before.id)
    }

    @Test("nothing is loaded: a flip is one command per program, whatever the number of its keys and sites")
    func oneCommand() throws {
      let recorder = Recorder()
      let multi = try Collection("multi", engine: .patch, system: recorder.system)
      recorder.restart()
      try multi.flip(.toggle, "*")
      #expect(recorder.calls.count { $0 == .staticBranchUpdate } == 2)
      #expect(!recorder.calls.contains(.programLoad) && !recorder.calls.contains(.linkUpdate))
    }

    @Test("an arm that the verifier refuses is refused at load, for both are verified then")
    func bothArmsAtLoad() throws {
      let error = #expect(throws: StaticKeysError.self) { try Collection("badarm", engine: .patch) }
      #expect(error?.code == .verifier)
      #expect(error?.message.contains("invalid access to packet") == true)
    }

    @Test("a program loaded in pair form is flipped by reload, and --engine patch says why it cannot")
    func pairForm() throws {
      let four = try Collection("four", engine: .reload)
      let pattern = try #require(KeyPattern("\(four.name)/key_false"))
      let error = #expect(throws: StaticKeysError.self) {
        try Changer().flip(.enable, [pattern], engine: .patch)
      }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("in a form that only a reload can change") == true)
      #expect(try Changer().flip(.enable, [pattern], engine: .auto).programs.map(\.engine) == [.reload, .reload])
    }

    @Test("a failure in the second of two programs takes the first back")
    func takenBack() throws {
      let recorder = Recorder()
      let multi = try Collection("multi", engine: .patch, system: recorder.system)
      recorder.restart { calls in calls.last == .staticBranchUpdate && calls.count { $0 == .staticBranchUpdate } == 2 }
      let error = #expect(throws: StaticKeysError.self) { try multi.flip(.enable, "deny") }
      #expect(error?.errno == ENOMEM && error?.code != .partlyApplied)
      recorder.restart()
      #expect(try multi.state("deny") == .off)
      #expect(try multi.run("multi_xdp") == 2 && multi.run("multi_tc") == 0)
    }

    @Test("native programs can be reloaded too, and stay native")
    func reloadOfNative() throws {
      let four = try Collection("four", engine: .patch)
      let pattern = try #require(KeyPattern("\(four.name)/key_false"))
      // What was patched since the load is in the kernel alone; a reload of another key must keep it.
      try four.flip(.disable, "key_true")
      let report = try Changer().flip(.enable, [pattern], engine: .reload)
      #expect(report.programs.allSatisfy { $0.engine == .reload && $0.newID != $0.plan.programID })
      #expect(try four.programs().allSatisfy { $0.instance.form == .native })
      #expect(try four.state("key_true") == .off)
      #expect(try four.run("false_likely") == 1 && four.run("false_unlikely") == 1)
    }
  }
}
