// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BTFMeta
import StaticKeys
import SystemPackage

struct Annotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write BTF tags that describe the sites into an object; running it twice changes nothing.")

  @Argument(help: "The object file.", completion: .file(extensions: ["o"]))
  var object: String

  @Option(name: [.customShort("o"), .long], help: "Write here instead of back into the object.")
  var output: String?

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @OptionGroup var options: OutputOptions

  private struct Report: Encodable {
    let output: String
    let sites: Int
    let added: Int
    let wrote_file: Bool
  }

  func run() throws {
    let report = try Annotator.annotate(FilePath(object), output: output.map { FilePath($0) })
    let destination = output ?? object
    if options.json {
      print(
        JSON.text(
          Report(
            output: destination, sites: report.sites.count, added: report.added, wrote_file: report.wroteFile)))
    } else if !quiet {
      let what = report.wroteFile ? "added \(count(report.added, "tag"))" : "unchanged"
      print("\(destination): \(count(report.sites.count, "site")), \(what)")
    }
  }
}

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show an object's keys and sites without loading it.")

  @Argument(help: "The object file.", completion: .file(extensions: ["o"]))
  var object: String

  @OptionGroup var output: OutputOptions

  private struct Report: Encodable {
    struct Key: Encodable {
      let key: String
      let `default`: Bool
      let sites: Int
    }
    struct Site: Encodable {
      let key: String
      let section: String
      let function: String
      let insn: UInt32
      let target: UInt32
      let likely: Bool
      let jumps: Bool
    }
    let object: String
    let license: String?
    let annotated: Bool?
    let keys: [Key]
    let sites: [Site]
  }

  func run() throws {
    let summary = try ObjectFile(path: FilePath(object)).summary()
    if output.json {
      print(JSON.text(report(summary)))
      return
    }
    let annotated = summary.isAnnotated.map { $0 ? "annotated" : "not annotated" } ?? "no BTF"
    print("\(object): \(count(summary.keys.count, "key")), \(count(summary.sites.count, "site")), \(annotated)")
    let keys = summary.keys.map {
      [$0.name.rawValue, $0.defaultValue ? "on" : "off", String(summary.sites(of: $0.name).count)]
    }
    Table.lines([["KEY", "DEFAULT", "SITES"]] + keys).forEach { print($0) }
    let sites = summary.sites.map {
      [
        $0.branch.key.rawValue, $0.function.section, $0.function.name, String($0.branch.insn.rawValue),
        String($0.branch.target.rawValue), $0.branch.layout.rawValue, $0.state.rawValue,
      ]
    }
    guard !sites.isEmpty else { return }
    print("")
    Table.lines([["KEY", "SECTION", "FUNCTION", "INSN", "TARGET", "LAYOUT", "STATE"]] + sites).forEach { print($0) }
  }

  private func report(_ summary: ObjectSummary) -> Report {
    Report(
      object: object, license: summary.license, annotated: summary.isAnnotated,
      keys: summary.keys.map {
        Report.Key(key: $0.name.rawValue, default: $0.defaultValue, sites: summary.sites(of: $0.name).count)
      },
      sites: summary.sites.map {
        Report.Site(
          key: $0.branch.key.rawValue, section: $0.function.section, function: $0.function.name,
          insn: $0.branch.insn.rawValue, target: $0.branch.target.rawValue, likely: $0.branch.layout == .likely,
          jumps: $0.state == .jump)
      })
  }
}
