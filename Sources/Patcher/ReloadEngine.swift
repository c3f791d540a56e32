// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage

/// The engine for stock kernels: loads the template with its sites rewritten, and puts the new program wherever the old
/// one hangs. Requires Linux 5.10.
public struct ReloadEngine: Engine {
  private let system: BPFSystem
  private let attachments: AttachmentIndex

  /// An engine that goes by what hung where when `attachments` was made.
  public init(system: BPFSystem, attachments: AttachmentIndex) {
    self.system = system
    self.attachments = attachments
  }

  public var kind: EngineKind { .reload }

  public func prepare(
    _ plan: ProgramPlan, of program: ManagedProgram
  ) throws(StaticKeysError) -> any PreparedChange {
    let replacements = try replacements(of: program)
    let old = ProgramHandle(id: program.id, fd: try open(.program, id: program.id, of: program))
    let new = try VariantLoader(system: system).load(plan.after, of: program, template: plan.template)
    return ReloadedProgram(old: old, new: new, replacements: replacements)
  }

  private func replacements(
    of program: ManagedProgram
  ) throws(StaticKeysError) -> [HeldPlace] {
    let attachments = attachments.attachments(ofProgram: program.id).filter { !$0.isSevered }
    guard !attachments.isEmpty else {
      throw StaticKeysError(
        .unsupported, "nothing that keyctl can replace a program on holds it", at: program.place,
        advice: "attach it by a link, or pin it")
    }
    let refused = attachments.filter { $0.replacement == nil }
    guard refused.isEmpty else {
      throw StaticKeysError(
        .unsupported, "its program cannot be replaced: \(refused.map(\.description).joined(separator: ", "))",
        at: program.place, advice: "detach it there first")
    }
    return attachments.compactMap { attachment in
      attachment.replacement.map { HeldPlace(description: attachment.description, replacement: $0) }
    }
  }

  private func open(
    _ kind: ObjectKind, id: UInt32, of program: ManagedProgram
  ) throws(StaticKeysError) -> SharedFD {
    do throws(Errno) {
      if let fd = try system.object(kind, id: id) { return fd }
    } catch {
      throw .kernel(error, "cannot open the \(kind) \(id)", at: program.place, needs: [.sysAdmin])
    }
    throw StaticKeysError(
      .changedMeanwhile, "its \(kind) \(id) is gone", at: program.place, advice: "run the command again")
  }
}

/// A place that holds the old program, and how to put another one there.
private struct HeldPlace: Sendable {
  let description: String
  let replacement: any Replacement
}

/// A loaded variant and the places where it takes the old program's place.
private final class ReloadedProgram: PreparedChange {
  private let old: ProgramHandle
  private let new: ProgramHandle
  private let replacements: [HeldPlace]

  init(old: ProgramHandle, new: ProgramHandle, replacements: [HeldPlace]) {
    self.old = old
    self.new = new
    self.replacements = replacements
  }

  var programID: UInt32 { new.id }
  var places: [String] { replacements.map(\.description) }

  func commit() throws(StaticKeysError) { try replaceEverywhere(old, by: new) }

  func revert() throws(StaticKeysError) { try replaceEverywhere(new, by: old) }

  private func replaceEverywhere(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) {
    var done: [HeldPlace] = []
    for next in replacements {
      do throws(StaticKeysError) {
        try next.replacement.replace(old, by: new)
        done.append(next)
      } catch {
        try undo(done, from: new, to: old, because: error)
        throw error
      }
    }
  }

  private func undo(
    _ done: [HeldPlace], from new: ProgramHandle, to old: ProgramHandle,
    because cause: StaticKeysError
  ) throws(StaticKeysError) {
    var stuck: [String] = []
    for one in done.reversed() {
      do throws(StaticKeysError) { try one.replacement.replace(new, by: old) } catch {
        stuck.append("\(one.description): \(error)")
      }
    }
    guard stuck.isEmpty else {
      throw StaticKeysError(
        .partlyApplied, "\(cause); and could not go back at \(stuck.joined(separator: ", "))", at: cause.place,
        errno: cause.errno, advice: "run the same command again to complete it")
    }
  }
}
