// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a program's instructions as they were loaded, with source lines and sites.",
    discussion: """
      These are the instructions before the verifier removed the arms that are off; 'bpftool prog dump xlated' shows \
      what it left.
      """)

  @Argument(help: "ID, id:N, name:N, tag:T or a path in bpffs.")
  var program: ProgramSelector

  @Flag(help: "Show each instruction's bytes too.")
  var raw = false

  @OptionGroup var output: OutputOptions

  private struct Line: Encodable {
    struct Site: Encodable {
      let key: String
      let enabled: Bool
      let jumps: Bool
      let target: UInt32
    }
    let insn: UInt32
    let text: String
    let bytes: String
    let source: String?
    let site: Site?
  }

  func run() throws {
    let program = try Inventory.current().program(selectedBy: self.program)
    let lines = try self.lines(of: program)
    if output.json {
      print(JSON.text(lines))
      return
    }
    let starts = Dictionary(
      program.template.sites.map { ($0.functionStart.rawValue, $0.function) }, uniquingKeysWith: { first, _ in first })
    for line in lines {
      if let function = starts[line.insn] { print("\(function):") }
      if let source = line.source { print("; \(source)") }
      let number = String(line.insn)
      let margin = String(repeating: " ", count: max(0, 5 - number.count))
      print("\(margin)\(number): \(raw ? "\(line.bytes)  " : "")\(line.text)\(line.site.map(Self.mark) ?? "")")
    }
  }

  private static func mark(_ site: Line.Site) -> String {
    "    <== \(site.key) is \(site.enabled ? "on" : "off"): "
      + (site.jumps ? "jump to \(site.target)" : "nop (would go to \(site.target))")
  }

  private func lines(of program: ManagedProgram) throws -> [Line] {
    let template = program.template
    let slots = (0..<template.mapSlots).map { Int32(truncatingIfNeeded: program.instance.mapIDs[$0]) }
    let insns = try template.instructions(values: program.instance.values, mapFDs: slots)
    let table = try? LineTable(template: template, btfID: program.btfID)
    let sites = Dictionary(uniqueKeysWithValues: template.sites.map { ($0.insn.index, $0) })
    var result: [Line] = []
    for (index, text) in Disassembly.lines(insns) {
      let insn = InsnOffset(UInt32(truncatingIfNeeded: index))
      let site = sites[index].map { site in
        let enabled = program.instance.values[site.key] ?? site.branch.defaultValue
        return Line.Site(
          key: site.key.rawValue, enabled: enabled, jumps: site.branch.layout.state(enabled: enabled) == .jump,
          target: site.branch.target.inProgram(functionStart: site.functionStart)?.rawValue ?? 0)
      }
      let bytes = insns[index].bytes(order: .host).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let source = table?.line(startingAt: insn).map { "\($0.text) @ \($0)" }
      result.append(
        Line(insn: insn.rawValue, text: text, bytes: bytes.joined(separator: " "), source: source, site: site))
    }
    return result
  }
}
