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
    let hasCommand = StaticBranches.current != nil

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

    @Test(
      "the command calls bpf() with none of the numbers that this kernel's BTF does not name", .requires(tool: "strace")
    )
    func systemCalls() throws {
      try #require(!hasCommand, "this test is for kernels without the command")
      let folder = try TemporaryFolder()
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      let binary = try Tools.built("keyctl")
      var numbers: Set<String> = []
      for arguments in [
        ["load", try Fixture.object("multi", clang: 19), "--name", name], ["enable", "\(name)/*"],
        ["toggle", "\(name)/deny"], ["list"], ["probe"],
      ] {
        let trace = folder.file("trace")
        try run(["strace", "-f", "-X", "raw", "-e", "trace=bpf", "-o", trace, binary] + arguments).checked()
        let text = try String(contentsOfFile: trace, encoding: .utf8)
        for call in text.matches(of: /bpf\((0x[0-9a-f]+|[0-9]+),/) { numbers.insert(String(call.1)) }
      }
      let commands = numbers.compactMap { $0.hasPrefix("0x") ? Int($0.dropFirst(2), radix: 16) : Int($0) }
      // BPF_PROG_BIND_MAP is 35, and keyctl needs nothing that came after it.
      #expect(commands.contains(5) && commands.contains(35) && commands.allSatisfy { $0 <= 35 }, "\(commands.sorted())")
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
