// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show keys with their sites, and where their programs hang.")

  @Argument(help: "[COLLECTION/]KEY; * and ? match.", completion: Completion.keys)
  var key: [KeyPattern]

  @OptionGroup var selector: SelectorOptions
  @OptionGroup var output: OutputOptions

  private struct Site: Encodable {
    let program: UInt32
    let program_name: String
    let function: String
    let insn: UInt32
    let target: UInt32
    let likely: Bool
    let enabled: Bool
    let jumps: Bool
    let source: String?
  }

  private struct Program: Encodable {
    let id: UInt32
    let name: String
    let tag: String
    let held_by: [String]
  }

  private struct Report: Encodable {
    let key: KeyJSON
    let programs: [Program]
    let sites: [Site]
  }

  func run() throws {
    let inventory = try Inventory.current()
    let keys = try inventory.keys(matching: key, in: selector.program)
    let attachments = try AttachmentIndex(system: BPFSystem())
    inventory.warnOfUnreadable()
    let reports = keys.map { report($0, attachments) }
    if output.json {
      print(JSON.text(reports))
    } else {
      for (index, status) in keys.enumerated() { printText(status, reports[index]) }
    }
  }

  private func report(_ status: KeyStatus, _ attachments: AttachmentIndex) -> Report {
    let lines = Dictionary(
      uniqueKeysWithValues: status.programs.map { ($0.id, try? LineTable(template: $0.template, btfID: $0.btfID)) })
    let sites = status.sites.map { program, site in
      let enabled = program.instance.values[site.key] ?? site.branch.defaultValue
      return Site(
        program: program.id, program_name: program.name, function: site.function, insn: site.branch.insn.rawValue,
        target: site.branch.target.rawValue, likely: site.branch.layout == .likely, enabled: enabled,
        jumps: site.branch.layout.state(enabled: enabled) == .jump,
        source: lines[program.id]??.line(at: site.insn)?.description)
    }
    let programs = status.programs.map {
      Program(
        id: $0.id, name: $0.name, tag: $0.tag, held_by: attachments.attachments(ofProgram: $0.id).map(\.description))
    }
    return Report(key: KeyJSON(status), programs: programs, sites: sites)
  }

  private func printText(_ status: KeyStatus, _ report: Report) {
    print("\(status.name)  \(status.state.rawValue)  default \(status.key.defaultValue ? "on" : "off")")
    for program in report.programs {
      print("  program \(program.id) \(program.name), tag \(program.tag)")
      for place in program.held_by { print("    \(place)") }
    }
    let header = ["  PROGRAM", "FUNCTION", "INSN", "TARGET", "LAYOUT", "STATE", "SOURCE"]
    let rows = report.sites.map { site in
      [
        "  \(site.program)", site.function, String(site.insn), String(site.target),
        site.likely ? "likely" : "unlikely", site.jumps ? "jump" : "nop", site.source ?? "-",
      ]
    }
    Table.lines([header] + rows).forEach { print($0) }
  }
}

struct IsEnabled: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell by the exit status whether a key is on: 0 on, 1 off, 2 mixed.")

  @Argument(help: "[COLLECTION/]KEY; of several, all must be on.", completion: Completion.keys)
  var key: KeyPattern

  @OptionGroup var selector: SelectorOptions

  @Flag(name: .shortAndLong, help: "Print nothing.")
  var quiet = false

  @OptionGroup var output: OutputOptions

  private struct Report: Encodable {
    let state: String
    let keys: [KeyJSON]
  }

  func run() throws {
    let keys = try Inventory.current().keys(matching: [key], in: selector.program)
    let states = Set(keys.map(\.state))
    let state = states.count == 1 ? states.first ?? .mixed : .mixed
    if !quiet {
      print(output.json ? JSON.text(Report(state: state.rawValue, keys: keys.map(KeyJSON.init))) : state.rawValue)
    }
    switch state {
    case .on: return
    case .off: throw ExitCode(ExitStatus.failed.rawValue)
    case .mixed: throw ExitCode(ExitStatus.mixed.rawValue)
    }
  }
}
