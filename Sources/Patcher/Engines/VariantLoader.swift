// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage

/// Loads a template as a new instance beside the running one, on the same maps.
struct VariantLoader: Sendable {
  let system: BPFSystem

  /// A program with `instance`'s key values, with everything tied to it that is tied to `program`.
  func load(
    _ instance: ProgramInstance, of program: ManagedProgram, template: ProgramTemplate
  ) throws(StaticKeysError) -> ProgramHandle {
    let store = InstanceStore(system: system)
    let maps = try instance.mapIDs.map { id throws(StaticKeysError) in try map(id, of: program) }
    let insns = try template.instructions(for: instance, mapFDs: maps.map { $0.withRaw { $0 } })
    let fd = try withExtendedLifetime(maps) { () throws(StaticKeysError) in
      try load(template, insns, program: program)
    }
    // The maps that no instruction names are kept too: .rodata, and whatever a loader has tied to the program. What the
    // new program has another map for is not.
    let others = Set(program.mapIDs).subtracting(instance.mapIDs + program.instance.mapIDs + [program.instanceMapID])
    let bound = try others.sorted().map { id throws(StaticKeysError) in try map(id, of: program) }
    let instanceMap = try store.createMap(for: instance, program: program.name)
    try store.bind(bound + [instanceMap], to: fd, named: program.name)
    do throws(Errno) {
      return ProgramHandle(id: try system.rawInfo(ofProgram: fd).id, fd: fd)
    } catch {
      throw .kernel(error, "cannot read the new program", at: program.place)
    }
  }

  private func load(
    _ template: ProgramTemplate, _ insns: [Instruction], program: ManagedProgram
  ) throws(StaticKeysError) -> SharedFD {
    do throws(LoadFailure) {
      guard program.btfID != 0 else { return try system.load(template, instructions: insns, btf: nil) }
      let btf: SharedFD
      do throws(Errno) {
        btf = try system.btf(id: program.btfID)
      } catch {
        throw LoadFailure(errno: error, log: "")
      }
      return try system.load(template, instructions: insns, btf: btf)
    } catch {
      throw error.explained(
        lines: try? LineTable(template: template, btfID: program.btfID), place: program.place)
    }
  }

  private func map(_ id: UInt32, of program: ManagedProgram) throws(StaticKeysError) -> SharedFD {
    do throws(Errno) {
      if let map = try system.object(.map, id: id) { return map }
    } catch {
      throw .kernel(error, "cannot open map \(id)", at: program.place, needs: [.sysAdmin])
    }
    throw StaticKeysError(
      .changedMeanwhile, "its map \(id) is gone", at: program.place, advice: "run the command again")
  }
}

extension LoadFailure {
  /// The failure as an error that shows the verifier's reason and the line of C it stopped at.
  func explained(lines: LineTable?, place: Place) -> StaticKeysError {
    let verdict = VerifierLog(log)
    guard let reason = verdict.summary else {
      return .kernel(errno, "the kernel refuses to load the program", at: place, needs: [.bpf, .netAdmin, .perfmon])
    }
    var place = place
    if let insn = verdict.lastInstruction, let line = lines?.line(at: insn) { place.source = line.description }
    return StaticKeysError(
      .verifier, "the verifier refuses it: \(reason)", at: place, errno: errno.rawValue,
      advice: "-v shows its whole log", verifierLog: log)
  }
}

extension LineTable {
  /// The lines of a template, whose strings are in the kernel's BTF object of this id.
  public init(template: ProgramTemplate, btfID: UInt32) throws(StaticKeysError) {
    let btf = try BTFObject(kernelID: btfID)
    self.init(template.lineInfo) { btf.string(at: $0) }
  }
}
