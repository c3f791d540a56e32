// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Brings running programs into the state that is wanted of them.
///
/// Requires Linux 5.10, CAP_SYS_ADMIN to find the programs, and what BPF_PROG_LOAD needs for their types.
public struct Changer: Sendable {
  private let system: BPFSystem

  /// Makes changes through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// Does with keys what is asked: with all of them, or with none.
  ///
  /// - Throws: as `apply`.
  @discardableResult
  public func flip(
    _ action: KeyAction, _ patterns: [KeyPattern], in selector: ProgramSelector? = nil,
    engine: EngineChoice = .auto, dryRun: Bool = false
  ) throws(StaticKeysError) -> ChangeReport {
    try apply(
      patterns.map { .key($0, action) }, in: selector, engine: engine, dryRun: dryRun)
  }

  /// Fulfils all wishes, or none.
  ///
  /// Writers wait for each other, so a toggle sees what the one before it did.
  /// - Parameters:
  ///   - places: where each wish stands in a file, for messages.
  ///   - dryRun: loads and verifies what would run, and leaves it at that.
  /// - Throws: `.notFound`, `.ambiguous` for the wishes; `.verifier`, `.unsupported`, `.changedMeanwhile`, `.permission`
  ///   and `.kernel` with nothing changed; `.partlyApplied` where a change could not be taken back.
  @discardableResult
  public func apply(
    _ wishes: [Wish], from places: [Place] = [], in selector: ProgramSelector? = nil, engine: EngineChoice = .auto,
    dryRun: Bool = false
  ) throws(StaticKeysError) -> ChangeReport {
    try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      let inventory = try Discovery.inventory(system: system)
      // Of each program the old one, the new one, its maps while one is made of the other, the link, and new constants.
      DescriptorLimit.raise(toHold: inventory.programs.count * 5)
      let attachments = LazyAttachments(system: system, of: inventory.programs)
      let plan = try ChangePlan(
        wishes, from: places, for: inventory, in: selector, system: system, attachments: attachments.index)
      guard !plan.isDone else {
        return ChangeReport(keys: plan.keys, values: plan.values, programs: [], duration: .zero, stillHeld: [])
      }
      return try carryOut(plan, engine: engine, attachments: attachments, dryRun: dryRun)
    }
  }

  /// Brings keys and values into the state that a file says: all of them, or none.
  ///
  /// - Parameter file: the file's name, for messages.
  /// - Throws: as `apply`; `.notFound` names every line that matches nothing.
  public func apply(
    _ state: WantedState, from file: String? = nil, in selector: ProgramSelector? = nil, engine: EngineChoice = .auto,
    dryRun: Bool = false
  ) throws(StaticKeysError) -> ChangeReport {
    var wishes: [Wish] = []
    var places: [Place] = []
    for collection in state.collections {
      for setting in collection.keys {
        let pattern = KeyPattern(collection: collection.name, key: setting.keys)
        wishes.append(.key(pattern, setting.isOn ? .enable : .disable))
        places.append(Place(file: file, line: setting.line))
      }
      for value in collection.values {
        wishes.append(
          .value(ValuePattern(collection: collection.name, expression: value.expression), value.text))
        places.append(Place(file: file, line: value.line))
      }
    }
    return try apply(wishes, from: places, in: selector, engine: engine, dryRun: dryRun)
  }

  private func carryOut(
    _ plan: ChangePlan, engine: EngineChoice, attachments: LazyAttachments, dryRun: Bool
  ) throws(StaticKeysError) -> ChangeReport {
    let selection = EngineSelection(system: system, attachments: attachments, choice: engine)
    let engines = try plan.work.map { work throws(StaticKeysError) in try selection.engine(for: work) }
    let start = ContinuousClock.now
    let changes = try carryOut(plan, by: engines, dryRun: dryRun)
    let duration = ContinuousClock.now - start
    let reloaded = zip(plan.work, engines).filter { $0.1.kind == .reload }.flatMap { $0.0.replaced }
    let stillHeld = dryRun ? [] : plan.stillHeld + system.outlived(reloaded)
    return ChangeReport(
      keys: plan.keys, values: plan.values, programs: changes, duration: duration, stillHeld: stillHeld)
  }

  /// Loads what is needed and puts it in force; nothing holds the old programs when this returns.
  private func carryOut(
    _ plan: ChangePlan, by engines: [any Engine], dryRun: Bool
  ) throws(StaticKeysError) -> [ProgramChange] {
    let work = plan.work
    var prepared = try inParallel(work.count, counter: ProgressCounter(.loading, of: work.count, on: system)) {
      index throws(StaticKeysError) in
      try engines[index].prepare(work[index])
    }
    let writes = try plan.edits.map { edit throws(StaticKeysError) in try VariableWrites(edit, system: system) }
    if !dryRun {
      do throws(StaticKeysError) {
        // Variables last: the more can fail, the earlier it is tried.
        let pins = plan.pins.isEmpty ? [] : [plan.pins]
        try Transaction(steps: prepared as [any TransactionStep] + pins + writes, system: system).commit()
      } catch {
        // A hook may keep a program for a moment after it was taken back; who looks now is to see the old state.
        let before = work.flatMap { $0.replaced + [$0.standing].compactMap(\.self) }
        let loaded = Set(prepared.map(\.programID)).subtracting(before.map(\.id))
        prepared = []
        system.awaitEnd(of: Array(loaded), areForTracing: work.contains { $0.program.template.isForTracing })
        throw error
      }
    }
    return work.indices.map { index in
      ProgramChange(
        plan: work[index].plan, engine: engines[index].kind, newID: prepared[index].programID,
        places: prepared[index].places)
    }
  }
}
