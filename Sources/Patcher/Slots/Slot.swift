// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A program array of one entry, with a program in it, and the root that tail-calls what is in it.
///
/// The array forgets its entry when the last descriptor and pin of it go: it has to stay pinned.
struct Slot: Sendable {
  /// The kernel's name for every slot's array.
  static let mapName = "skey_slot"

  let array: SharedFD
  /// The root, to be attached as if it were the program.
  let root: OpenProgram

  /// Puts a program behind a new slot, not yet attached anywhere. Requires Linux 5.10.
  ///
  /// - Throws: `.unsupported` where the kernel takes no tail call in programs of this kind, `.permission`, `.kernel`.
  init(for opened: OpenProgram, system: BPFSystem) throws(StaticKeysError) {
    let program = opened.program
    let root = try SlotRoot(for: program.template)
    let array: SharedFD
    let storage: [SharedFD]
    do throws(Errno) {
      array = try system.createProgramArray(name: Self.mapName, entries: 1)
      storage = try Self.storage(of: program, system: system)
    } catch {
      throw Self.failure(error, program)
    }
    do throws(LoadFailure) {
      let maps = storage.map { $0.withRaw { $0 } }
      let instructions = root.instructions(array: array.withRaw { $0 }, storage: maps)
      defer { withExtendedLifetime((array, storage)) {} }
      self.root = OpenProgram(
        program: program, fd: try system.load(root.template, instructions: instructions, btf: nil))
    } catch {
      guard let reason = VerifierLog(error.log).summary else { throw Self.failure(error.errno, program) }
      throw Self.refusal("the verifier refuses the tail call: \(reason)", error.errno, program, log: error.log)
    }
    do throws(Errno) {
      try system.put(opened.fd, inArray: array, at: 0)
    } catch .invalidArgument {
      throw Self.refusal("the kernel takes no such program for tail calls", .invalidArgument, program)
    } catch {
      throw Self.failure(error, program)
    }
    self.array = array
  }

  /// The cgroup storage that a program uses, of each kind one.
  private static func storage(of program: LoadedProgram, system: BPFSystem) throws(Errno) -> [SharedFD] {
    var found: [SharedFD] = []
    for id in Set(program.instance.mapIDs).sorted() {
      guard let map = try system.object(.map, id: id) else { continue }
      let type = bpf_map_type(try system.rawInfo(ofMap: map).type)
      if type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE { found.append(map) }
    }
    return found
  }

  private static func failure(_ errno: Errno, _ program: LoadedProgram) -> StaticKeysError {
    .kernel(
      errno, "cannot put it behind a slot", at: Place(program: program.name), needs: [.bpf, .netAdmin, .perfmon])
  }

  private static func refusal(
    _ reason: String, _ errno: Errno, _ program: LoadedProgram, log: String? = nil
  ) -> StaticKeysError {
    let isSleepable = program.template.flags & UInt32(BPF_F_SLEEPABLE) != 0
    return StaticKeysError(
      .unsupported,
      "\(isSleepable ? "it is sleepable and " : "it ")cannot be put behind a slot: \(reason)",
      at: Place(program: program.name), errno: errno.rawValue,
      advice: "--via link attaches it without one",
      verifierLog: log)
  }
}
