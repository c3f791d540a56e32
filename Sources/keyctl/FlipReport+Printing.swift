// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

extension FlipReport {
  /// What was done, for people; of a dry run, what would be.
  func lines(dryRun: Bool) -> [String] {
    let changed = keys.filter { $0.from != $0.to }
    var lines = keys.filter { $0.from == $0.to }.map { "\($0.name): already \($0.to.rawValue)" }
    let sites = programs.reduce(0) { $0 + $1.plan.changes.count }
    lines += changed.map { "\($0.name): \($0.from.rawValue) -> \($0.to.rawValue)" }
    guard !programs.isEmpty else { return lines }
    for program in programs {
      let name = "  \(program.plan.template.name)"
      if dryRun {
        lines.append("\(name): program \(program.plan.programID), verified; would be replaced at:")
      } else {
        lines.append("\(name): program \(program.plan.programID) -> \(program.newID), replaced at:")
      }
      lines += program.places.map { "    \($0)" }
      if dryRun { lines += program.plan.changes.map(\.line) }
    }
    let what = "\(count(sites, "site")) in \(count(programs.count, "program"))"
    lines.append(dryRun ? "nothing was changed: \(what) would be" : "\(what), \(engine.rawValue), \(duration.text)")
    return lines
  }
}

extension ProgramPlan.SiteChange {
  /// The change of one site: "main+12: off 0 -> 7 (nop -> jump)".
  fileprivate var line: String {
    "    \(site.function) insn \(site.branch.insn) (\(site.key)): off \(expectedOff) -> \(newOff) "
      + "(\(from.rawValue) -> \(to.rawValue))"
  }
}

/// What `enable`, `disable` and `toggle` print under --json.
struct FlipReportJSON: Encodable {
  struct Key: Encodable {
    let key: String
    let from: String
    let to: String
  }
  struct Program: Encodable {
    let name: String
    let collection: String
    let old_id: UInt32
    let new_id: UInt32
    let replaced_at: [String]
    let sites: [Site]
  }
  struct Site: Encodable {
    let key: String
    let function: String
    let insn: UInt32
    let old_off: Int16
    let new_off: Int16
  }

  let dry_run: Bool
  let engine: String
  let keys: [Key]
  let programs: [Program]
  let milliseconds: Double
  let still_held: [UInt32]

  init(_ report: FlipReport, dryRun: Bool) {
    dry_run = dryRun
    engine = report.engine.rawValue
    keys = report.keys.map { Key(key: $0.name, from: $0.from.rawValue, to: $0.to.rawValue) }
    programs = report.programs.map { program in
      Program(
        name: program.plan.template.name, collection: program.plan.after.collection, old_id: program.plan.programID,
        new_id: program.newID, replaced_at: program.places,
        sites: program.plan.changes.map {
          Site(
            key: $0.site.key.rawValue, function: $0.site.function, insn: $0.site.branch.insn.rawValue,
            old_off: $0.expectedOff, new_off: $0.newOff)
        })
    }
    milliseconds = report.duration.milliseconds
    still_held = report.stillHeld
  }
}
