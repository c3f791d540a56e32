// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension KernelTests.Engines {
  @Test(
    "a kernel that has the command and refuses the instruction: auto loads for reload and says so, patch is an error",
    .requires(tool: "unshare"),
    .enabled(if: StaticBranches.current == nil, "not possible here: this kernel takes the instruction"))
  func refusedInstruction() throws {
    let kernel = try KernelSaid(Self.madeUp[0])
    let name = Collection.newName()
    defer { _ = try? CollectionStore().remove(name) }
    let four = try Fixture.object("four", clang: 19)
    let insisting = try kernel.keyctl("load", four, "--name", name, "--engine", "patch")
    #expect(insisting.status == 1 && insisting.stderr.contains("the verifier refuses it"), "\(insisting)")
    #expect(!CollectionStore().names().contains(name))
    let late = try Fixture.object("tcx", clang: 19)
    for arguments in [[four, "--name", name], [late, "--into", name], [four, "--name", name, "--replace"]] {
      let loaded = try kernel.keyctl(["load"] + arguments).checked()
      let lines = loaded.stderr.split(separator: "\n")
      #expect(lines.count == 1 && lines[0].contains(": warning: "), "\(loaded)")
      #expect(lines[0].contains("keys will be flipped by reload, for the form to be flipped in place is refused: the"))
    }
    #expect(try kernel.keyctl("load", four, "--name", name, "--replace", "--quiet").checked().stderr == "")
    let shown = try JSON(parsing: kernel.keyctl("show", "\(name)/key_false", "--json").checked().stdout)
    #expect(shown[0]?["programs"]?.array.map { $0["engine"]?.string } == ["reload", "reload"], "\(shown)")
    let flip = try JSON(parsing: kernel.keyctl("enable", "\(name)/key_false", "--json").checked().stdout)
    #expect(flip["programs"]?.array.map { $0["engine"]?.string } == ["reload", "reload"], "\(flip)")
    #expect(try BPF.testRun(pin: "\(CollectionStore.directory(of: name))/progs/false_unlikely") == 1)
  }

  @Test(
    "so does a template, each instance by itself, and it is told once", .requires(tool: "unshare"),
    .enabled(if: StaticBranches.current == nil, "not possible here: this kernel takes the instruction"))
  func refusedInstances() throws {
    let kernel = try KernelSaid(Self.madeUp[0])
    let template = try BuiltTemplate("four")
    let name = Collection.newName()
    defer { _ = try? CollectionStore().remove(name) }
    let loaded = try kernel.keyctl("load", template.path, "--name", name, "--instances", "2", "--json").checked()
    let warning = try JSON(parsing: loaded.stderr)["warning"]
    #expect(warning?["code"]?.string == "verifier" && warning?["errno"]?.int == 22, "\(loaded)")
    let programs = try JSON(parsing: loaded.stdout)["programs"]?.array ?? []
    #expect(programs.count == 8 && programs.allSatisfy { $0["engine"]?.string == "reload" }, "\(loaded)")
  }
}

extension KernelTests.Patch {
  @Test("auto loads for reload what the kernel refuses since both arms are verified, and says so")
  func refusedArm() throws {
    let bad = try Collection("badarm", engine: .auto)
    let refusal = try #require(bad.report.nativeRefusal)
    #expect(refusal.code == .verifier && refusal.message.contains("invalid access to packet"), "\(refusal)")
    #expect(refusal.place.program == "bad" && refusal.place.source?.hasPrefix("badarm.bpf.c:") == true, "\(refusal)")
    #expect(bad.report.programs.map(\.instance.engine) == [.reload, .reload])
    #expect(try bad.programs().map(\.instance.form) == [.pair, .pair])
    #expect(try bad.flip(.enable, "harmless").programs.map(\.engine) == [.reload])
    #expect(try bad.run("bad") == 1 && bad.run("good") == 2)
    // As long as that is on, the verifier never comes to the other arm.
    try bad.flip(.disable, "harmless")
    #expect(throws: StaticKeysError.self) { try bad.flip(.enable, "badarm") }
    #expect(try bad.run("bad") == 2 && bad.run("good") == 2)
    // What is taken is patched, and no word is lost on it.
    let four = try Collection("four", engine: .auto)
    #expect(four.report.nativeRefusal == nil && four.report.programs.allSatisfy { $0.instance.engine == .patch })
    for (key, engine) in [("\(bad.name)/harmless", "reload"), ("\(four.name)/key_false", "patch")] {
      let shown = try JSON(parsing: keyctl("show", key, "--json").checked().stdout)
      #expect(shown[0]?["programs"]?.array.allSatisfy { $0["engine"]?.string == engine } == true, "\(shown)")
      #expect(try keyctl("show", key).checked().stdout.contains("; flipped in place\n") == (engine == "patch"))
    }
    let upgrade = try keyctl("load", "--replace", Fixture.object("badarm", clang: 19), "--name", bad.name).checked()
    #expect(upgrade.stderr.contains(": warning: ") && upgrade.stderr.contains("invalid access to packet"), "\(upgrade)")
  }

  @Test("only a refusal makes auto load for reload; any other error is that of the load")
  func otherErrors() throws {
    let template = try BuiltTemplate("multi").template
    for (errno, fallsBack) in [(Errno.notSupportedOnSocket, true), (.noMemory, false), (.notPermitted, false)] {
      let loads = Mutex(0)
      let system = BPFSystem { call throws(Errno) in
        guard call == .programLoad else { return }
        let number = loads.withLock { number in
          number += 1
          return number
        }
        if number == 1 { throw errno }
      }
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      let result = Result { try CollectionLoader(system: system).load(template, name: name) }
      #expect(loads.withLock { $0 } == (fallsBack ? 3 : 1), "\(errno)")
      switch result {
      case .success(let report):
        #expect(fallsBack && report.nativeRefusal?.errno == errno.rawValue)
        #expect(report.programs.map(\.instance.form) == [.pair, .pair])
      case .failure(let error as StaticKeysError):
        #expect(!fallsBack && error.errno == errno.rawValue)
      case .failure(let error): throw error
      }
    }
  }
}
