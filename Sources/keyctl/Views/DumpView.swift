// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Patcher
import StaticKeys

/// A program's instructions for `dump`.
struct DumpView: Encodable {
  let collection: String
  let program: ProgramView
  let instructions: [Line]

  /// One instruction: 8 bytes, or 16 for a `ld_imm64`.
  struct Line: Encodable {
    let insn: Int
    let bytes: String
    let text: String
    /// The function that starts here.
    let function: String?
    /// The line of C that starts here.
    let source: SourceView?
    let site: Site?
    let constant: Constant?
  }

  /// A constant's value in an immediate.
  struct Constant: Encodable {
    let name: String
    let type: String
    let value: ValueJSON
  }

  /// A static branch.
  struct Site: Encodable {
    let key: String
    let likely: Bool
    let enabled: Bool
    let state: String
    let target: UInt32
  }

  /// - Parameter constants: the constants of the program, by name.
  init(_ program: ManagedProgram, constants: [String: ValueStatus]) throws(StaticKeysError) {
    collection = program.instance.collection
    self.program = ProgramView(program)
    let maps = program.instance.mapIDs.map { Int32(bitPattern: $0) }
    let insns = try program.template.instructions(for: program.instance, mapFDs: maps)
    let functions = SourceLines.functions(of: program)
    let sources = SourceLines(of: [program])
    let sites = Dictionary(program.template.sites.map { ($0.insn.index, $0) }) { first, _ in first }
    let immediates = Dictionary(program.template.immediates.map { ($0.insn.index, $0.name.rawValue) }) { $1 }
    var lines: [Line] = []
    var index = 0
    while index < insns.count {
      let slots = insns[index...].prefix(insns[index].opcode == Instruction.Opcode.loadImm64 ? 2 : 1)
      let offset = InsnOffset(UInt32(truncatingIfNeeded: index))
      lines.append(
        Line(
          insn: index, bytes: Self.hex(slots),
          text: insns[index].text(
            following: slots.dropFirst().first, map: { "id:\(UInt32(bitPattern: $0))" },
            helper: { number in sk_helper_name(number).map { String(cString: $0) } }),
          function: functions[offset],
          source: sources.line(startingAt: offset, in: program.id).map(SourceView.init),
          site: sites[index].flatMap { site in program.states[site.insn].map { Site(site, state: $0) } },
          constant: immediates[index].flatMap { constants[$0] }.flatMap(Constant.init)))
      index += slots.count
    }
    instructions = lines
  }

  private static func hex(_ slots: ArraySlice<Instruction>) -> String {
    slots.flatMap { $0.bytes(order: .host) }.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      .joined(separator: " ")
  }
}

extension DumpView.Constant {
  /// nil where the constant's value cannot be told.
  fileprivate init?(_ status: ValueStatus) {
    guard let value = try? status.value() else { return nil }
    self.init(
      name: status.variable, type: status.type.declaration(of: status.variable), value: ValueJSON(value))
  }

  /// What stands behind the instruction.
  fileprivate var mark: String { "; constant \(type) = \(value.value)" }
}

extension DumpView.Site {
  fileprivate init(_ site: BranchSite, state: BranchState) {
    self.init(
      key: site.key.rawValue, likely: site.branch.layout == .likely, enabled: site.branch.layout.enabled(in: state),
      state: state.rawValue,
      target: site.functionStart.rawValue + site.branch.target.rawValue)
  }

  /// What stands behind the instruction.
  fileprivate var mark: String {
    let goes = state == BranchState.jump.rawValue ? "jumps to \(target)" : "nop, would jump to \(target)"
    return "; static branch \(key) \(enabled ? "on" : "off"), \(likely ? "likely" : "unlikely"): \(goes)"
  }
}

extension DumpView {
  /// The listing: functions, lines of C and instructions as bpftool shows them.
  func lines(raw: Bool) -> [String] {
    let last = instructions.last?.insn ?? 0
    let width = String(last).count
    var shown: SourceView?
    var lines = ["program \(program.id) \(collection)/\(program.name), tag \(program.tag)"]
    for line in instructions {
      if let function = line.function { lines += ["", "\(function):"] }
      if let source = line.source, !source.isSameLine(as: shown) {
        lines.append("; \(source.text) @ \(source.fileName):\(source.line)")
        shown = source
      }
      let number = String(repeating: " ", count: width - String(line.insn).count) + String(line.insn)
      lines.append(
        "  \(number): \(line.text)" + (line.site.map { "  \($0.mark)" } ?? "")
          + (line.constant.map { "  \($0.mark)" } ?? ""))
      if raw { lines.append(String(repeating: " ", count: width + 8) + line.bytes) }
    }
    return lines
  }
}
