// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// The questions behind `KernelFeatures`, each by trying the thing itself where that changes nothing.
struct FeatureProbe {
  let system: BPFSystem

  func walkObjects() -> KernelFeature {
    attempt("walk_objects", "finding programs by walking the kernel's (4.13)") { () throws(Errno) in
      "found \(try system.ids(of: .program).count) programs"
    }
  }

  func frozenMap() -> KernelFeature {
    attempt("frozen_maps", "keeping templates where nothing can change them (5.2)") { () throws(Errno) in
      _ = try system.createFrozenMap(name: "skey_probe", value: [0, 0, 0, 0])
      return "made one"
    }
  }

  func bindMap() -> KernelFeature {
    attempt("bind_map", "tying a template to its program (5.10)") { () throws(Errno) in
      let map = try system.createFrozenMap(name: "skey_probe", value: [0, 0, 0, 0])
      let program = try trivialProgram()
      try system.bind(map: map, toProgram: program)
      return "tied one"
    }
  }

  func linkUpdate() -> KernelFeature {
    // A link descriptor that is none is refused before anything else, by kernels that know the command.
    do throws(Errno) {
      try system.tryLinkUpdate()
    } catch .badFileDescriptor {
      return KernelFeature(
        name: "link_update", purpose: "replacing a link's program in one step (5.7)", answer: .yes,
        reason: "the command answers")
    } catch {
      return feature("link_update", "replacing a link's program in one step (5.7)", error)
    }
    return KernelFeature(
      name: "link_update", purpose: "replacing a link's program in one step (5.7)", answer: .unknown,
      reason: "the kernel took a link that is none")
  }

  func tcx() -> KernelFeature {
    kernelBTF("tcx_link", "links on tc hooks (6.6)") { $0.hasStructure("tcx_link") }
  }

  func declarationTags() -> KernelFeature {
    attempt("btf_decl_tag", "describing sites in BTF (5.16)") { () throws(Errno) in
      try system.tryTaggedBTF()
      return "loaded one"
    }
  }

  /// Looks whether the arm that a constant condition excludes is gone after verification.
  func deadCodeRemoval() -> KernelFeature {
    let name = "dead_code_removal"
    let purpose = "disabled code costs nothing (5.1)"
    let code = Instruction.Opcode.self
    let insns = [
      Instruction(opcode: code.move64Immediate), Instruction(opcode: code.jumpIfNotEqual, off: 1),
      Instruction(opcode: code.exit), Instruction(opcode: code.exit),
    ]
    do throws(Errno) {
      let program = try load(insns)
      let length = Int(try system.rawInfo(ofProgram: program).xlated_prog_len) / Instruction.size
      let answer: KernelFeature.Answer = length == 0 ? .unknown : length < insns.count ? .yes : .no
      return KernelFeature(
        name: name, purpose: purpose, answer: answer,
        reason: length == 0 ? "the kernel hides instructions" : "\(insns.count) insns became \(length)")
    } catch {
      return feature(name, purpose, error)
    }
  }

  func jit() -> KernelFeature {
    setting("jit", "programs run as machine code", "/proc/sys/net/core/bpf_jit_enable") { $0 != "0" }
  }

  func visibleInstructions() -> KernelFeature {
    setting(
      "visible_instructions", "bpftool can show what runs; hidden under net.core.bpf_jit_harden=2",
      "/proc/sys/net/core/bpf_jit_harden"
    ) { $0 != "2" }
  }

  func mountedBPFFS() -> KernelFeature {
    let mounts = BPFFS.mountPoints()
    return KernelFeature(
      name: "bpffs", purpose: "collections stay when keyctl ends", answer: mounts.isEmpty ? .no : .yes,
      reason: mounts.isEmpty
        ? "none is mounted; 'load' mounts one at \(BPFFS.defaultMountPoint)"
        : "at \(mounts.map(\.string).joined(separator: ", "))")
  }

  /// Looks for the command, and whether the kernel takes the instruction: some architectures do not have it.
  func patchCommand() -> KernelFeature {
    let named = kernelBTF("static_branch_update", "flipping a site in place (proposed, see kernel-patches)") {
      StaticBranchInterface($0) != nil
    }
    guard named.answer == .yes else { return named }
    let code = Instruction.Opcode.self
    let insns = [
      Instruction(opcode: code.move64Immediate),
      Instruction(opcode: code.jumpAlways, src: Instruction.Pseudo.nopOrGoto, off: 1),
      Instruction(opcode: code.exit), Instruction(opcode: code.exit),
    ]
    do throws(Errno) {
      _ = try load(insns)
      return named
    } catch {
      let answer = feature(named.name, named.purpose, error)
      return KernelFeature(
        name: named.name, purpose: named.purpose, answer: answer.answer,
        reason: "\(named.reason), but a static branch does not load: \(answer.reason)")
    }
  }

  private func trivialProgram() throws(Errno) -> SharedFD {
    try load([Instruction(opcode: Instruction.Opcode.move64Immediate), Instruction(opcode: Instruction.Opcode.exit)])
  }

  private func load(_ instructions: [Instruction]) throws(Errno) -> SharedFD {
    let template = ProgramTemplate(
      name: "skey_probe", type: BPF_PROG_TYPE_SOCKET_FILTER.rawValue, expectedAttachType: 0, flags: 0,
      kernelVersion: 0, attachBTFID: 0, license: "Apache-2.0", instructions: instructions,
      functionInfo: .init(size: 0, bytes: []), lineInfo: .init(size: 0, bytes: []), mapSlots: 0, sites: [])
    do {
      return try system.load(template, instructions: instructions, btf: nil)
    } catch {
      throw error.errno
    }
  }
}

extension FeatureProbe {
  private func feature(_ name: String, _ purpose: String, _ errno: Errno) -> KernelFeature {
    let denied = errno == .notPermitted || errno == .permissionDenied
    return KernelFeature(
      name: name, purpose: purpose, answer: denied ? .unknown : .no,
      reason: denied ? "\(errno): run it as root to find out" : "\(errno)")
  }

  private func attempt(_ name: String, _ purpose: String, _ body: () throws(Errno) -> String) -> KernelFeature {
    do throws(Errno) {
      return KernelFeature(name: name, purpose: purpose, answer: .yes, reason: try body())
    } catch {
      return feature(name, purpose, error)
    }
  }

  private func kernelBTF(
    _ name: String, _ purpose: String, _ isThere: (borrowing KernelBTF) -> Bool
  ) -> KernelFeature {
    do throws(Errno) {
      let there = isThere(try KernelBTF())
      return KernelFeature(
        name: name, purpose: purpose, answer: there ? .yes : .no,
        reason: there ? "the kernel's BTF has it" : "the kernel's BTF does not have it")
    } catch {
      return KernelFeature(
        name: name, purpose: purpose, answer: .unknown, reason: "the kernel's BTF cannot be read: \(error)")
    }
  }

  private func setting(
    _ name: String, _ purpose: String, _ path: FilePath, _ isGood: (String) -> Bool
  ) -> KernelFeature {
    do throws(Errno) {
      let value = String(try FileText.read(path).prefix { $0 != "\n" })
      return KernelFeature(
        name: name, purpose: purpose, answer: isGood(value) ? .yes : .no, reason: "\(path) is \(value)")
    } catch {
      return KernelFeature(name: name, purpose: purpose, answer: .unknown, reason: "\(path): \(error)")
    }
  }
}
