// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

/// The object `extension`, of which one program is loaded for a function of another BPF program and attached there.
private final class Extension {
  private let object: OpaquePointer
  private let link: OpaquePointer
  /// The program's id.
  let id: UInt32
  /// Its link's.
  let linkID: UInt32

  init(_ name: String, of function: String, in target: borrowing OwnedFD) throws {
    guard let object = bpf_object__open(try Fixture.object("extension", clang: 19)) else {
      throw HarnessError("extension", errno: errno)
    }
    var attached: OpaquePointer?
    defer { if attached == nil { bpf_object__close(object) } }
    var program = bpf_object__next_program(object, nil)
    while let each = program {
      bpf_program__set_autoload(each, String(cString: bpf_program__name(each)) == name)
      program = bpf_object__next_program(object, each)
    }
    guard let wanted = bpf_object__find_program_by_name(object, name) else { throw HarnessError("no program \(name)") }
    var status = bpf_program__set_attach_target(wanted, target.rawValue, function)
    if status == 0 { status = bpf_object__load(object) }
    guard status == 0 else { throw HarnessError("\(name) for \(function)", errno: -status) }
    attached = bpf_program__attach(wanted)
    guard let attached else { throw HarnessError("\(name) at \(function)", errno: errno) }
    (self.object, link) = (object, attached)
    var linkInfo = bpf_link_info()
    var size = UInt32(MemoryLayout<bpf_link_info>.size)
    bpf_obj_get_info_by_fd(bpf_link__fd(attached), &linkInfo, &size)
    (id, linkID) = (linkInfo.prog_id, linkInfo.id)
  }

  /// Keeps the link when this goes, as long as its pin is there.
  func pin(at path: String) throws {
    let status = bpf_link__pin(link, path)
    guard status == 0 else { throw HarnessError(path, errno: -status) }
  }

  deinit {
    bpf_link__destroy(link)
    bpf_object__close(object)
  }
}

extension Trait where Self == ConditionTrait {
  /// Some builds of the kernel refuse to root, with EPERM, all programs whose target is a BPF program.
  fileprivate static var requiresProgramTargets: Self {
    .enabled("not possible here: this kernel lets nothing be attached to BPF programs") {
      let target = try Collection("subprogs")
      return (try? Extension("watch", of: "subprogs", in: target.open("subprogs"))) != nil
    }
  }
}

extension KernelTests {
  /// Programs on which other BPF programs hang.
  @Suite(.serialized, .requiresRoot, .requiresProgramTargets, .censused)
  struct Extensions {
    @Test("one with a function that freplace replaced is not reloaded, which would undo that, and the link is named")
    func freplace() throws {
      let subprogs = try Collection("subprogs", engine: .reload)
      let id = try subprogs.id("subprogs")
      do {
        let other = try Extension("instead", of: "in_global", in: subprogs.open("subprogs"))
        let answer = try subprogs.run("subprogs")
        #expect(answer == 500)
        for dryRun in [true, false] {
          let error = #expect(throws: StaticKeysError.self) { try subprogs.flip(.enable, "steps", dryRun: dryRun) }
          #expect(error?.code == .unsupported)
          #expect(error?.message.contains("freplace link \(other.linkID), by which program \(other.id)") == true)
        }
        #expect(try subprogs.id("subprogs") == id)
        #expect(try subprogs.run("subprogs") == answer)
      }
      #expect(eventually(within: .seconds(3)) { (try? subprogs.flip(.enable, "steps")) != nil })
      #expect(try subprogs.run("subprogs") == 42111)
    }

    @Test("one that got an extension in mid-flip is flipped, and the old one said to be in use still")
    func extendedMeanwhile() throws {
      let subprogs = try Collection("subprogs", engine: .reload)
      let id = try subprogs.id("subprogs")
      let folder = try PinFolder()
      let pin = folder.pin("link")
      let report = try subprogs.flip(.enable, "steps", disturbedBefore: .programLoad) {
        try Extension("instead", of: "in_global", in: BPF.open(.program, id: id)).pin(at: pin)
      }
      #expect(report.stillHeld == [id])
      #expect(try subprogs.state("steps") == .mixed)
      #expect(try subprogs.run("subprogs") == 42111)
      try run(["rm", pin]).checked()
      #expect(eventually(within: .seconds(3)) { (try? subprogs.state("steps")) == .on })
    }

    @Test("one that a tracer watches is flipped, and said to be in use still until the tracer ends")
    func watched() throws {
      let subprogs = try Collection("subprogs", engine: .reload)
      let id = try subprogs.id("subprogs")
      do {
        let tracer = try Extension("watch", of: "subprogs", in: subprogs.open("subprogs"))
        #expect(try subprogs.flip(.enable, "steps").stillHeld == [id])
        #expect(try subprogs.state("steps") == .mixed)
        withExtendedLifetime(tracer) {}
      }
      #expect(eventually(within: .seconds(3)) { (try? subprogs.state("steps")) == .on })
    }
  }
}
