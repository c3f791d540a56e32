// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Which engine is taken where nothing is said, by what the kernel itself says it has.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Engines {
    private let hasCommand = StaticBranches.current != nil

    @Test("the command takes the engine that the kernel has, and probe says which and why")
    func unsaid() throws {
      let expected = hasCommand ? "patch" : "reload"
      let probe = try JSON(parsing: keyctl("probe", "--json").checked().stdout)
      #expect(probe["engine"]?.string == expected)
      let reason = "static_branch_update: the kernel's BTF \(hasCommand ? "has" : "does not have") it"
      #expect(probe["engine_reason"]?.string?.hasPrefix(reason) == true, "\(probe)")
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      try keyctl("load", Fixture.object("four", clang: 19), "--name", name).checked()
      let flip = try JSON(parsing: keyctl("enable", "\(name)/key_false", "--json").checked().stdout)
      #expect(flip["programs"]?.array.map { $0["engine"]?.string } == [expected, expected])
      let pin = "\(CollectionStore.directory(of: name))/progs/false_unlikely"
      #expect(try BPF.testRun(pin: pin) == 1)
    }

    @Test("a kernel without the command is never given one: its number may be another's, as 37 is on Linux 6.18")
    func neverGuessed() throws {
      let recorder = Recorder()
      let multi = try Collection("multi", engine: .auto, system: recorder.system)
      for action in [KeyAction.enable, .disable, .toggle, .toggle] { try multi.flip(action, "*") }
      #expect(recorder.calls.contains(.staticBranchUpdate) == hasCommand)
      #expect(recorder.calls.contains(.linkUpdate) == false)
      #expect(try multi.programs().allSatisfy { ($0.instance.form == .native) == hasCommand })
      guard !hasCommand else { return }
      let error = #expect(throws: StaticKeysError.self) { try Collection("multi", engine: .patch) }
      #expect(error?.code == .unsupported && error?.message == "this kernel has no BPF_STATIC_BRANCH_UPDATE")
      let refused = try keyctl("toggle", "--engine", "patch", "\(multi.name)/deny")
      #expect(refused.status == 3 && refused.stderr.contains("use --engine reload"), "\(refused)")
    }
  }
}
