// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import SystemPackage

struct Load: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Load all programs of an object, attach those asked for, and pin everything.",
    discussion: """
      A HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or cgroup:PATH; PROG= before it says \
      which program, where several could go there. Programs, maps and links are pinned under \
      /sys/fs/bpf/keyctl/NAME; bpffs is mounted there if it is not. All or nothing.
      """)

  @Argument(help: "The object file.", completion: .file(extensions: ["o"]))
  var object: String

  @Option(
    help: ArgumentHelp("The collection's name (default: the file's, up to its first dot).", valueName: "collection"))
  var name: String?

  @Option(help: ArgumentHelp("Where to attach; may be repeated.", valueName: "[prog=]hook"))
  var attach: [AttachRequest] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A key's value from the start; may be repeated, * and ? match.", valueName: "key=on|off"))
  var settings: [KeySetting] = []

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @OptionGroup var output: OutputOptions

  private struct Report: Encodable {
    struct Program: Encodable {
      let name: String
      let id: UInt32
      let keys: [String: Bool]
      let sites: Int
    }
    struct Link: Encodable {
      let program: String
      let hook: String
    }
    let collection: String
    let directory: String
    let programs: [Program]
    let maps: [String]
    let links: [Link]
  }

  func run() throws {
    let report = try CollectionLoader().load(
      FilePath(object), name: name, settings: settings.map { (keys: $0.keys, value: $0.value) }, attach: attach)
    if output.json {
      let programs = report.programs.map { program in
        Report.Program(
          name: program.name, id: program.id,
          keys: Dictionary(uniqueKeysWithValues: program.instance.values.map { ($0.key.rawValue, $0.value) }),
          sites: program.template.sites.count)
      }
      print(
        JSON.text(
          Report(
            collection: report.collection, directory: report.directory.string, programs: programs, maps: report.maps,
            links: report.links.map { Report.Link(program: $0.program, hook: $0.hook.description) })))
    } else if !quiet {
      print("\(report.collection): \(count(report.programs.count, "program")), pinned in \(report.directory)")
      for program in report.programs {
        let keys = program.template.keys.map(\.name.rawValue).joined(separator: ", ")
        let sites = count(program.template.sites.count, "site")
        print("  \(program.name): id \(program.id), \(sites)\(keys.isEmpty ? "" : " of \(keys)")")
      }
      for link in report.links { print("  \(link.program) attached to \(link.hook)") }
    }
  }
}

struct Unload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Detach and unpin a collection; nothing stays behind.")

  @Argument(
    help: "The collection's name.", completion: .custom { _, _, _ in CollectionStore().names() })
  var collection: String

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @OptionGroup var output: OutputOptions

  private struct Report: Encodable {
    let collection: String
    let removed: [String]
  }

  func run() throws {
    let removed = try CollectionStore().remove(collection).map(\.string)
    if output.json {
      print(JSON.text(Report(collection: collection, removed: removed)))
    } else if !quiet {
      print("\(collection): removed \(count(removed.count, "pin"))")
    }
  }
}
