// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// What `enable`, `disable`, `toggle`, `set` and `apply` did, or with -n would do.
struct FlipView: Encodable {
  let action: String
  let dryRun: Bool
  let durationMs: Double
  let keys: [Key]
  let values: [Value]
  let programs: [Program]
  let stillHeld: [UInt32]

  struct Key: Encodable {
    let collection: String
    let key: String
    let from: String
    let to: String
    let changed: Bool
    let programs: Int
    let sites: Int
    let kind: String
  }

  struct Value: Encodable {
    let collection: String
    let name: String
    let kind: String
    let type: String
    /// Null where it is not the same in all programs.
    let from: OrNull<ValueJSON>
    let to: OrNull<ValueJSON>
    let changed: Bool
    /// How many were loaded again for it: none for a variable.
    let programs: Int
  }

  struct Program: Encodable {
    let collection: String
    let instance: OrNull<String>
    let name: String
    let id: UInt32
    /// Unknown in a dry run: the program that was tried is gone.
    let newId: OrNull<UInt32>
    let engine: String
    let places: [String]
    let sites: [Site]
  }

  struct Site: Encodable {
    let key: String
    let function: String
    let insn: UInt32
    let target: UInt32
    let programInsn: UInt32
    let from: String
    let to: String
    let oldOff: Int16
    let newOff: Int16
  }

  init(_ report: ChangeReport, action: String, dryRun: Bool) {
    self.action = action
    self.dryRun = dryRun
    durationMs = report.duration / .milliseconds(1)
    programs = report.programs.map { Program($0, dryRun: dryRun) }
    keys = report.keys.map { Key($0, among: report.programs) }
    values = report.values.map { Value($0, among: report.programs) }
    stillHeld = report.stillHeld
  }
}

extension FlipView.Key {
  fileprivate init(_ change: KeyChange, among programs: [ProgramChange]) {
    let (collection, key) = splitName(change.name)
    let sites = programs.filter { $0.plan.before.collection == collection }.map { program in
      program.plan.changes.count { $0.site.key.rawValue == key }
    }
    self.init(
      collection: collection, key: key, from: change.from.rawValue, to: change.to.rawValue,
      changed: change.from != change.to,
      programs: change.kind == .key ? sites.count { $0 > 0 } : programs.reloaded(among: change.programs),
      sites: sites.reduce(0, +), kind: change.kind.rawValue)
  }
}

extension FlipView.Value {
  fileprivate init(_ change: ValueChange, among programs: [ProgramChange]) {
    let (collection, name) = splitName(change.name)
    self.init(
      collection: collection, name: name, kind: change.kind.rawValue, type: change.declaration,
      from: OrNull(change.from.map(ValueJSON.init)), to: OrNull(change.to.map(ValueJSON.init)),
      changed: change.isChange,
      programs: change.kind == .variable ? 0 : programs.reloaded(among: change.programs))
  }
}

/// Collection and name: the latter has no slash, whatever the former has.
private func splitName(_ name: String) -> (collection: String, name: String) {
  let slash = name.lastIndex(of: "/") ?? name.startIndex
  return (String(name[..<slash]), String(name[slash...].dropFirst()))
}

extension [ProgramChange] {
  /// How many of some programs got other constants.
  fileprivate func reloaded(among ids: Set<UInt32>) -> Int {
    count { ids.contains($0.plan.programID) && $0.plan.needsReload }
  }
}

extension FlipView.Program {
  fileprivate init(_ change: ProgramChange, dryRun: Bool) {
    self.init(
      collection: change.plan.before.collection, instance: OrNull(change.plan.before.name),
      name: change.plan.template.name, id: change.plan.programID,
      newId: OrNull(dryRun ? nil : change.newID), engine: change.engine.rawValue, places: change.places,
      sites: change.plan.changes.map(FlipView.Site.init))
  }
}

extension FlipView.Site {
  fileprivate init(_ change: ProgramPlan.SiteChange) {
    self.init(
      key: change.site.key.rawValue, function: change.site.function, insn: change.site.branch.insn.rawValue,
      target: change.site.branch.target.rawValue, programInsn: change.site.insn.rawValue, from: change.from.rawValue,
      to: change.to.rawValue, oldOff: change.expectedOff, newOff: change.newOff)
  }
}
