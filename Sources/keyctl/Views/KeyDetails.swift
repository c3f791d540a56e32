// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// A key in `show`.
struct KeyDetails: Encodable {
  let collection: String
  let key: String
  let kind: String
  let state: String
  /// Null where the collection's objects do not agree on it.
  let `default`: OrNull<Bool>
  let programs: [ProgramView]
  let sites: [SiteView]

  init(_ status: KeyStatus, attachments: AttachmentIndex, lines: SourceLines) {
    collection = status.collection
    key = status.key.name.rawValue
    kind = ValueKind.key.rawValue
    state = status.state.rawValue
    self.default = OrNull(status.defaultValue)
    programs = status.programs.map { ProgramView($0, attachments: attachments) }
    sites = status.sites.map { SiteView($0.site, of: $0.program, lines: lines) }
  }

  var lines: [String] {
    let written = self.default.value.map { "default \($0 ? "on" : "off"), " } ?? ""
    let head =
      "\(collection)/\(key): \(state) (\(written)"
      + "\(counted(programs.count, "program")), \(counted(sites.count, "site")))"
    let table = TextTable(
      "PROGRAM", "FUNCTION", "INSN", "TARGET", "LIKELY", "STATE", "SOURCE", rows: sites.map(\.row))
    return [head] + programs.map(\.line) + table.lines.map { "  \($0)" }
  }
}

/// A site of a running program.
struct SiteView: Encodable {
  let programId: UInt32
  let program: String
  let function: String
  let insn: UInt32
  let target: UInt32
  let programInsn: UInt32
  let likely: Bool
  let state: String
  let enabled: Bool
  let source: OrNull<SourceView>
  private let sourceText: String

  private enum CodingKeys: CodingKey {
    case programId, program, function, insn, target, programInsn, likely, state, enabled, source
  }

  init(_ site: BranchSite, of program: ManagedProgram, lines: SourceLines) {
    programId = program.id
    self.program = program.name
    function = site.function
    insn = site.branch.insn.rawValue
    target = site.branch.target.rawValue
    programInsn = site.insn.rawValue
    likely = site.branch.layout == .likely
    let now = program.states[site.insn] ?? .nop
    state = now.rawValue
    enabled = site.branch.layout.enabled(in: now)
    let line = lines.line(at: site.insn, in: program.id)
    source = OrNull(line.map(SourceView.init))
    sourceText = line.map { "\($0): \($0.text)" } ?? "-"
  }

  fileprivate var row: [String] {
    [
      String(programId), function, String(insn), String(target), likely ? "likely" : "unlikely",
      "\(state) (\(enabled ? "on" : "off"))", sourceText,
    ]
  }
}
