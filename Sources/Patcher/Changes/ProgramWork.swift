// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// What there is to do about one program: a plan, and the loaded variants that give way to what comes of it.
///
/// There is more than one variant where a writer was killed between two hooks of a program; the next change makes them one.
/// But variants of different templates, as a `load --replace` that was killed leaves them, stay different: each changes
/// where it hangs. Which version is to run, the same `load --replace` decides.
struct ProgramWork: Sendable {
  /// The variant that the plan starts from.
  let program: ManagedProgram
  let plan: ProgramPlan
  /// A variant that is as wanted already: nothing needs to be loaded.
  let standing: ManagedProgram?
  /// The variants whose places the new one takes.
  let replaced: [ManagedProgram]
}

/// What one program is to have.
struct ProgramWishes {
  var keys: KeyValues = [:]
  var immediates: ImmediateValues = [:]
  /// Which map is to take which one's place.
  var maps: [UInt32: UInt32] = [:]
}

/// Which loaded programs are variants of one.
struct ProgramIdentity: Hashable {
  private let collection: String
  private let instance: String?
  private let name: String

  init(_ program: ManagedProgram) {
    collection = program.instance.collection
    instance = program.instance.name
    name = program.name
  }
}

extension ProgramWork {
  /// The work on all variants of one program, where `wanted` has the values that each shall get.
  ///
  /// - Parameter attachments: asked only where there is more than one variant.
  /// - Returns: the work, and the variants that live on without being seen to hang anywhere.
  static func on(
    _ variants: [ManagedProgram], wanted: [UInt32: ProgramWishes],
    attachments: () throws(StaticKeysError) -> AttachmentIndex
  ) throws(StaticKeysError) -> (work: [ProgramWork], stillHeld: [UInt32]) {
    let candidates = variants.compactMap { program in
      wanted[program.id].map { Candidate(program: program, plan: ProgramPlan(of: program, wanted: $0)) }
    }
    guard variants.count > 1, !candidates.isEmpty else { return (candidates.compactMap(\.alone), []) }
    let attachments = try attachments()
    let held = candidates.filter { !attachments.attachments(ofProgram: $0.program.id).isEmpty }
    // If none of them hangs anywhere, the engine says so; if some do, the others have been replaced already.
    guard !held.isEmpty else { return (candidates.compactMap(\.alone), []) }
    let heldIDs = Set(held.map(\.program.id))
    let stillHeld = candidates.map(\.program.id).filter { !heldIDs.contains($0) }
    return (converge(held, runs: { attachments.hangsOnHook($0.program.id) }), stillHeld)
  }

  private struct Candidate {
    let program: ManagedProgram
    let plan: ProgramPlan

    var outcome: Outcome { Outcome(instance: plan.after, template: program.template) }

    var alone: ProgramWork? {
      plan.changesNothing ? nil : ProgramWork(program: program, plan: plan, standing: nil, replaced: [program])
    }
  }

  /// What a variant comes to. Two versions of a program may have the same maps and values.
  private struct Outcome: Hashable {
    let instance: ProgramInstance
    let template: ProgramTemplate
  }

  /// Makes one of those that come to the same, and of those that are only pinned what the running ones of the same
  /// template come to.
  private static func converge(_ held: [Candidate], runs: (Candidate) -> Bool) -> [ProgramWork] {
    let reloadable = held.filter { $0.program.instance.form == .pair }
    let running = Dictionary(grouping: reloadable.filter(runs), by: \.outcome)
    var groups = running
    for one in reloadable where !runs(one) {
      let outcomes = running.keys.filter { $0.template == one.program.template }
      groups[outcomes.count == 1 ? outcomes.first ?? one.outcome : one.outcome, default: []].append(one)
    }
    let merged = groups.compactMap { outcome, members -> ProgramWork? in
      let standing = members.first { $0.program.instance == outcome.instance }
      guard let first = standing ?? members.first(where: runs) ?? members.first else { return nil }
      let replaced = members.map(\.program).filter { $0.id != standing?.program.id }
      if replaced.isEmpty { return nil }
      return ProgramWork(program: first.program, plan: first.plan, standing: standing?.program, replaced: replaced)
    }
    return merged + held.filter { $0.program.instance.form == .native }.compactMap(\.alone)
  }
}

extension ProgramPlan {
  init(of program: ManagedProgram, wanted: ProgramWishes) {
    self.init(
      programID: program.id, template: program.template, instance: program.instance, states: program.states,
      wanted: wanted.keys, immediates: wanted.immediates, maps: wanted.maps)
  }
}
