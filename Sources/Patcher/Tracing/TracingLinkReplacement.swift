// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A link of a kind whose program the kernel cannot replace, at a raw tracepoint, fentry, fexit, fmod_ret or LSM hook.
///
/// If it is pinned, a new link is attached, pinned beside the old one and renamed over it, with which the old link goes:
/// for a moment both programs run. It keeps no descriptor, which would keep the old link there.
struct TracingLinkReplacement: Replacement {
  let system: BPFSystem
  let link: UInt32
  let kind: LinkKind
  /// What it hangs on, as far as the kernel tells.
  let target: String?
  let description: String

  /// A dot would be refused: the kernel keeps such names for itself.
  private static let besideSuffix = "__new"

  func check(_ program: ManagedProgram) throws(StaticKeysError) {
    let pins = try pins { $0.id == link }
    let holders = LinkHolders(ofLink: link)
    func refusal(_ why: String, advice: String) -> StaticKeysError {
      StaticKeysError(
        .unsupported, "its program cannot be replaced: \(description) \(why)", at: program.place, advice: advice)
    }
    guard kind != .perfEvent else {
      let held = holders.isEmpty ? "" : ", which \(holders) holds,"
      throw refusal(
        "hangs on a perf event\(held) and the kernel does not tell for which process", advice: "detach it there first")
    }
    guard holders.isEmpty else {
      throw refusal("is held open by \(holders)", advice: "end that, or let it detach the program")
    }
    guard pins.count == 1, let pin = pins.first else {
      throw refusal(pins.isEmpty ? "is pinned nowhere" : "is pinned at several paths", advice: "detach it there first")
    }
    guard pin.details.cookie ?? 0 == 0, pin.details.cookie != nil || !program.readsCookie else {
      throw refusal("was attached with a cookie, which a new link would not have", advice: "detach it there first")
    }
  }

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) {
    guard let pin = try pins(where: { $0.prog_id == old.id }).first else {
      throw StaticKeysError(
        .changedMeanwhile, "\(description) does not hold program \(old.id) any more", advice: "run the command again")
    }
    do throws(Errno) {
      try put(try attach(new.fd, like: pin), beside: pin.path)
    } catch {
      throw .kernel(
        error, "cannot attach the new program beside \(description)", at: Place(file: pin.path.string),
        needs: [.perfmon, .bpf])
    }
  }

  /// Pins a link at a path in place of what is pinned there.
  private func put(_ link: SharedFD, beside path: FilePath) throws(Errno) {
    let beside = FilePath(path.string + Self.besideSuffix)
    do throws(Errno) {
      try system.pin(link, at: beside)
    } catch .fileExists {
      // Left behind by a writer that was killed: whoever holds the lock now may remove it.
      try system.unlink(beside)
      try system.pin(link, at: beside)
    }
    do throws(Errno) {
      try system.rename(beside, to: path)
    } catch {
      try? system.unlink(beside)
      throw error
    }
  }

  private func attach(_ program: SharedFD, like pin: Pin) throws(Errno) -> SharedFD {
    let isTyped = try system.rawInfo(ofProgram: program).type == BPF_PROG_TYPE_TRACING.rawValue
    if let name = pin.details.tracepoint, !isTyped {
      return try system.openRawTracepoint(name, program: program)
    }
    let type = kind == .tracing ? pin.attachType : BPF_TRACE_RAW_TP.rawValue
    return try system.createLink(program: program, target: 0, attachType: type)
  }

  /// A path at which a link is pinned.
  private struct Pin {
    let path: FilePath
    let attachType: UInt32
    let details: TracingLinkInfo
  }

  /// The pins of links of this kind at this hook for which `matches` holds.
  private func pins(where matches: (bpf_link_info) -> Bool) throws(StaticKeysError) -> [Pin] {
    var found: [Pin] = []
    for path in BPFFS.pins() {
      do throws(Errno) {
        let pinned = try system.openPin(path)
        guard BPFFS.kind(of: pinned) == .link else { continue }
        let info = try system.rawInfo(ofLink: pinned)
        guard info.type == kind.rawValue, matches(info) else { continue }
        let details = TracingLinkInfo(of: pinned)
        // The pin beside another one is what a killed writer left.
        guard details.target == target, !path.string.hasSuffix(Self.besideSuffix) else { continue }
        found.append(Pin(path: path, attachType: info.tracing.attach_type, details: details))
      } catch .noSuchFileOrDirectory {
        continue
      } catch .permissionDenied {
        // bpffs holds iterators' pins too, which BPF_OBJ_GET does not open.
        continue
      } catch {
        throw .kernel(error, "cannot read a pin", at: Place(file: path.string), needs: [.bpf])
      }
    }
    return found
  }
}

extension ManagedProgram {
  fileprivate var readsCookie: Bool {
    template.instructions.contains {
      $0.opcode == Instruction.Opcode.call && $0.src == 0 && $0.imm == Int32(BPF_FUNC_get_attach_cookie.rawValue)
    }
  }
}
