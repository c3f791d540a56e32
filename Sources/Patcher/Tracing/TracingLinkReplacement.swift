// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A link of a kind whose program the kernel cannot replace, at a raw tracepoint, fentry, fexit, fmod_ret or LSM hook.
///
/// If it is pinned, a new link is attached, pinned beside the old one and renamed over it, with which the old link goes:
/// for a moment both programs run. It keeps no descriptor, which would keep the old link there.
struct TracingLinkReplacement: Replacement {
  let system: BPFSystem
  let link: UInt32
  let kind: LinkKind
  /// What the kernel tells of it besides.
  let details: TracingLinkInfo
  /// Where it is pinned.
  let pins: [FilePath]
  let description: String

  /// How long the kernel may take to let go of a program that it is to take again.
  private static let releaseTime = Duration.seconds(1)

  func check(_ program: ManagedProgram) throws(StaticKeysError) {
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
    guard pins.count == 1 else {
      throw refusal(pins.isEmpty ? "is pinned nowhere" : "is pinned at several paths", advice: "detach it there first")
    }
    guard details.cookie ?? 0 == 0, details.cookie != nil || !program.template.calls(BPF_FUNC_get_attach_cookie) else {
      throw refusal("was attached with a cookie, which a new link would not have", advice: "detach it there first")
    }
  }

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    var isThere = false
    for path in pins {
      let current: UInt32?
      do throws(Errno) {
        let found = try replace(old, by: new, at: path)
        current = found.program
        isThere = isThere || found.isThere
      } catch {
        throw .kernel(
          error, "cannot attach the new program beside \(description)", at: Place(file: path.string),
          needs: [.perfmon, .bpf])
      }
      guard current == old.id else { throw .hookChanged("the pin \(path) of \(description)", holds: current, not: old) }
    }
    return isThere
  }

  /// - Returns: the program that was there, of which only the old one is replaced; and whether one is there now.
  private func replace(
    _ old: ProgramHandle, by new: ProgramHandle, at path: FilePath
  ) throws(Errno) -> (program: UInt32?, isThere: Bool) {
    guard let pinned = try system.pinned(at: path) else {
      // What a killed writer left went when the link that it was for was replaced.
      return (BPFSystem.path(whoseReplacementIs: path) == nil ? nil : old.id, false)
    }
    guard pinned.kind == .link, let held = try PinnedProgram(pinned, system: system) else { return (0, true) }
    guard held.program == old.id else { return (held.program, true) }
    if try held.replaced(from: path, system: system) != nil {
      // It only runs beside the one that it was to replace.
      try system.unlink(path)
      return (held.program, false)
    }
    let beside = try system.placeBeside(path) { there throws(Errno) in
      try PinnedProgram(there, system: system)?.isVariant(of: held, system: system) == true
    }
    if let left = beside.left {
      if try PinnedProgram(left, system: system)?.program == new.id {
        // The killed writer had come as far as to attach it.
        try system.rename(beside.path, to: path)
        return (held.program, true)
      }
      try system.unlink(beside.path)
    }
    let attachType = try system.rawInfo(ofLink: pinned.fd).tracing.attach_type
    let link = try attach(new.fd, attachType: kind == .tracing ? attachType : BPF_TRACE_RAW_TP.rawValue)
    try system.pin(link, at: beside.path, andRenameTo: path)
    return (held.program, true)
  }

  /// Attaches a program where the link is. One that hung there a moment ago the kernel still counts as attached: it frees
  /// links late.
  private func attach(_ program: SharedFD, attachType: UInt32) throws(Errno) -> SharedFD {
    let isTyped = try system.rawInfo(ofProgram: program).type == BPF_PROG_TYPE_TRACING.rawValue
    let deadline = ContinuousClock.now + Self.releaseTime
    while true {
      do throws(Errno) {
        if let name = details.tracepoint, !isTyped { return try system.openRawTracepoint(name, program: program) }
        return try system.createLink(program: program, target: 0, attachType: attachType)
      } catch .resourceBusy where ContinuousClock.now < deadline {
        usleep(2_000)
      } catch .fileExists where ContinuousClock.now < deadline {
        usleep(2_000)
      }
    }
  }
}
