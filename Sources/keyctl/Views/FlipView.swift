// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// What `enable`, `disable` and `toggle` did, or with -n would do.
struct FlipView: Encodable {
  let action: String
  let dryRun: Bool
  let durationMs: Double
  let keys: [Key]
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
  }

  struct Program: Encodable {
    let collection: String
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

  init(_ report: FlipReport, action: KeyAction, dryRun: Bool) {
    self.action = action.rawValue
    self.dryRun = dryRun
    durationMs = report.duration / .milliseconds(1)
    programs = report.programs.map { Program($0, dryRun: dryRun) }
    keys = report.keys.map { Key($0, among: report.programs) }
    stillHeld = report.stillHeld
  }
}

extension FlipView.Key {
  fileprivate init(_ change: KeyChange, among programs: [ProgramChange]) {
    // A key's name has no slash, whatever the collection's has.
    let slash = change.name.lastIndex(of: "/") ?? change.name.startIndex
    let collection = String(change.name[..<slash])
    let key = String(change.name[slash...].dropFirst())
    let sites = programs.filter { $0.plan.before.collection == collection }.map { program in
      program.plan.changes.count { $0.site.key.rawValue == key }
    }
    self.init(
      collection: collection, key: key, from: change.from.rawValue, to: change.to.rawValue,
      changed: change.from != change.to, programs: sites.count { $0 > 0 }, sites: sites.reduce(0, +))
  }
}

extension FlipView.Program {
  fileprivate init(_ change: ProgramChange, dryRun: Bool) {
    self.init(
      collection: change.plan.before.collection, name: change.plan.template.name, id: change.plan.programID,
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
