// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What to do with keys.
public enum KeyAction: String, Sendable {
  /// Turn on; nothing to do where it is on.
  case enable
  /// Turn off; nothing to do where it is off.
  case disable
  /// Turn on what is off, and off what is on.
  case toggle
}

/// A key's change over all of its programs.
public struct KeyChange: Sendable {
  /// "collection/key".
  public let name: String
  /// Before.
  public let from: KeyStatus.State
  /// After.
  public let to: KeyStatus.State
}

/// One program's part in a flip.
public struct ProgramChange: Sendable {
  /// What changes.
  public let plan: ProgramPlan
  /// How.
  public let engine: EngineKind
  /// The kernel's id afterwards: another one where the program was replaced.
  public let newID: UInt32
  /// Where the change was put in force.
  public let places: [String]
}

/// What a flip did, or would do.
public struct FlipReport: Sendable {
  /// The keys asked for, also those that were as wanted already.
  public let keys: [KeyChange]
  /// The programs changed.
  public let programs: [ProgramChange]
  /// The time from the first load to the last replacement.
  public let duration: Duration
  /// Programs that still run in their old state, since something holds them that keyctl does not see.
  public let stillHeld: [UInt32]
}

/// Flips keys of running programs.
///
/// Requires Linux 5.10, CAP_SYS_ADMIN to find the programs, and what BPF_PROG_LOAD needs for their types.
public struct KeyFlipper: Sendable {
  private let system: BPFSystem

  /// Flips through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// Brings keys into the state asked for: all of them, or none.
  ///
  /// Writers wait for each other, so a toggle sees what the one before it did.
  /// - Parameter dryRun: loads and verifies what would run, and leaves it at that.
  /// - Throws: `.notFound`, `.ambiguous` for the keys; `.verifier`, `.unsupported`, `.changedMeanwhile`, `.permission`
  ///   and `.kernel` with nothing changed; `.partlyApplied` where a change could not be taken back.
  public func flip(
    _ action: KeyAction, _ patterns: [KeyPattern], in selector: ProgramSelector? = nil,
    engine: EngineChoice = .auto, dryRun: Bool = false
  ) throws(StaticKeysError) -> FlipReport {
    try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      try flipLocked(action, patterns, in: selector, engine: engine, dryRun: dryRun)
    }
  }

  private func flipLocked(
    _ action: KeyAction, _ patterns: [KeyPattern], in selector: ProgramSelector?, engine: EngineChoice, dryRun: Bool
  ) throws(StaticKeysError) -> FlipReport {
    let inventory = try Discovery.inventory(system: system)
    let keys = try inventory.keys(matching: patterns, in: selector, system: system)
    let wanted = try wantedValues(action, keys)
    let work = inventory.programs.compactMap { program -> Work? in
      guard let values = wanted[program.id] else { return nil }
      return ProgramPlan(
        programID: program.id, template: program.template, instance: program.instance, states: program.states,
        wanted: values
      ).map { Work(program: program, plan: $0) }
    }
    let changes = keys.map { key in
      KeyChange(
        name: key.name, from: key.state,
        to: key.programs.allSatisfy { wanted[$0.id]?[key.key.name] == true } ? .on : .off)
    }
    return try carryOut(work, among: inventory.programs, keys: changes, engine: engine, dryRun: dryRun)
  }

  /// A program and what is to change in it.
  private struct Work {
    let program: ManagedProgram
    let plan: ProgramPlan
  }

  private func wantedValues(
    _ action: KeyAction, _ keys: [KeyStatus]
  ) throws(StaticKeysError) -> [UInt32: KeyValues] {
    var wanted: [UInt32: KeyValues] = [:]
    for key in keys {
      if action == .toggle, key.state == .mixed {
        throw StaticKeysError(
          .ambiguous, "it is on in some programs and off in others", at: Place(key: key.name),
          advice: "enable or disable it")
      }
      let value = action == .enable || action == .toggle && key.state == .off
      for program in key.programs { wanted[program.id, default: [:]][key.key.name] = value }
    }
    return wanted
  }

  private func carryOut(
    _ work: [Work], among programs: [ManagedProgram], keys: [KeyChange], engine: EngineChoice,
    dryRun: Bool
  ) throws(StaticKeysError) -> FlipReport {
    guard !work.isEmpty else {
      return FlipReport(keys: keys, programs: [], duration: .zero, stillHeld: [])
    }
    let attachments = try AttachmentIndex(system: system)
    let replaced = Set(work.map(\.program.id).filter { attachments.isReplaced($0, among: programs) })
    let live = work.filter { !replaced.contains($0.program.id) }
    let engines = EngineSelection(system: system, attachments: attachments, choice: engine)
    var changes: [ProgramChange] = []
    let duration = try ContinuousClock().measured { () throws(StaticKeysError) in
      changes = try carryOut(live, by: engines, dryRun: dryRun)
    }
    let reloaded = changes.filter { $0.engine == .reload }.map(\.plan.programID)
    let stillHeld = dryRun ? [] : replaced.sorted() + outlived(reloaded)
    return FlipReport(keys: keys, programs: changes, duration: duration, stillHeld: stillHeld)
  }

  private func carryOut(
    _ work: [Work], by engines: EngineSelection, dryRun: Bool
  ) throws(StaticKeysError) -> [ProgramChange] {
    let prepared = try work.map { one throws(StaticKeysError) in
      let engine = try engines.engine(for: one.program)
      return (engine.kind, try engine.prepare(one.plan, of: one.program))
    }
    if !dryRun { try Transaction(changes: prepared.map { $0.1 }).commit() }
    return zip(work, prepared).map { work, prepared in
      ProgramChange(
        plan: work.plan, engine: prepared.0, newID: prepared.1.programID, places: prepared.1.places)
    }
  }

  /// Those of the old programs that are still there. A reader may hold one for a moment, so this waits a little.
  private func outlived(_ ids: [UInt32]) -> [UInt32] {
    let deadline = ContinuousClock.now + .milliseconds(100)
    while true {
      let left = ids.filter { id in (try? system.object(.program, id: id)) != nil }
      if left.isEmpty { return [] }
      if ContinuousClock.now > deadline {
        guard let attachments = try? AttachmentIndex(system: system) else { return left }
        return left.filter { !attachments.isSevered($0) }
      }
      usleep(2_000)
    }
  }
}

extension AttachmentIndex {
  /// Whether a program has been replaced already and lives on only because something that is not seen here holds it.
  fileprivate func isReplaced(_ id: UInt32, among programs: [ManagedProgram]) -> Bool {
    guard attachments(ofProgram: id).isEmpty, let program = programs.first(where: { $0.id == id }) else { return false }
    return programs.contains { other in
      other.id != id && other.name == program.name && other.instance.collection == program.instance.collection
        && !attachments(ofProgram: other.id).isEmpty
    }
  }
}

extension ContinuousClock {
  /// `measure` for a body that throws a typed error.
  fileprivate func measured<E: Error>(_ body: () throws(E) -> Void) throws(E) -> Duration {
    let start = now
    try body()
    return now - start
  }
}
