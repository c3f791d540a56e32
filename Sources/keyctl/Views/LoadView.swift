// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// What `load` did.
struct LoadView: Encodable {
  let collection: String
  let directory: String
  /// To a collection that ran before.
  let added: Bool
  let programs: [Program]
  let maps: [String]
  let sharedMaps: [String]
  let keys: [Key]
  let links: [Link]

  struct Program: Encodable {
    let instance: OrNull<String>
    let name: String
    let id: UInt32
    let section: String
    let sites: Int
    let immediates: Int
    /// The one that flips its keys where none is asked for.
    let engine: String
  }

  struct Key: Encodable {
    let key: String
    let state: String
    let `default`: Bool
  }

  struct Link: Encodable {
    let instance: OrNull<String>
    let program: String
    let hook: String
    let via: String

    init(_ link: (program: String, hook: Hook, behindSlot: Bool), of instance: String?) {
      self.instance = OrNull(instance)
      program = link.program
      hook = link.hook.description
      via = link.behindSlot ? "slot" : "link"
    }
  }

  init(_ report: LoadReport, added: Bool) {
    self.init(
      collection: report.collection, directory: report.directory.string, added: added, sharedMaps: report.sharedMaps,
      parts: [(nil, report)])
  }

  init(_ report: InstancesReport) {
    self.init(
      collection: report.collection, directory: report.directory.string, added: report.wasLoaded,
      sharedMaps: report.sharedMaps, parts: report.instances.map { ($0.name, $0.report) })
  }

  private init(
    collection: String, directory: String, added: Bool, sharedMaps: [String],
    parts: [(instance: String?, report: LoadReport)]
  ) {
    self.collection = collection
    self.directory = directory
    self.added = added
    self.sharedMaps = sharedMaps
    let loaded = parts.flatMap(\.report.programs)
    programs = loaded.map {
      Program(
        instance: OrNull($0.instance.name), name: $0.name, id: $0.id, section: $0.section,
        sites: $0.template.sites.count, immediates: $0.template.immediates.count,
        engine: $0.instance.engine.rawValue)
    }
    let own = (parts.first?.report.maps ?? []).filter { !sharedMaps.contains($0) }
    maps = parts.first?.instance == nil ? parts.first?.report.maps ?? [] : own + sharedMaps
    links = parts.flatMap { part in part.report.links.map { Link($0, of: part.instance) } }
    keys = Set(loaded.flatMap(\.template.keys)).sorted { $0.name < $1.name }.map { key in
      let values = Set(loaded.compactMap { $0.instance.values[key.name] })
      let state: KeyStatus.State = values.count > 1 ? .mixed : values.first == true ? .on : .off
      return Key(key: key.name.rawValue, state: state.rawValue, default: key.defaultValue)
    }
  }

  var lines: [String] {
    let instances = Set(programs.compactMap(\.instance.value)).count
    let head =
      "\(added ? "added to" : "loaded") \(collection): "
      + (instances > 0 ? "\(counted(instances, "instance")), " : "")
      + "\(counted(programs.count, "program")), \(counted(maps.count, "map"))\(instances > 1 ? " each" : ""), "
      + "\(counted(keys.count, "key")), under \(directory)"
    return [head] + Self.few(programs.map(\.line), of: "program")
      + (sharedMaps.isEmpty ? [] : ["  shared maps: \(sharedMaps.joined(separator: ", "))"])
      + keys.map { "  key \($0.key): \($0.state)" } + Self.few(links.map(\.line), of: "hook")
  }

  private static let mostLines = 24

  /// Of many instances a few lines are enough to see what was done.
  private static func few(_ lines: [String], of noun: String) -> [String] {
    guard lines.count > mostLines else { return lines }
    return lines.prefix(3) + ["  and \(counted(lines.count - 3, noun)) more (--json lists all)"]
  }
}

extension LoadView.Program {
  fileprivate var line: String {
    "  program \(id) \(instance.prefix)\(name) (\(section), \(counted(sites, "site")))"
  }
}

extension LoadView.Link {
  fileprivate var line: String {
    "  \(instance.prefix)\(program) attached to \(hook)\(via == "slot" ? " behind a slot" : "")"
  }
}

extension OrNull<String> {
  /// An instance's name before that of a program.
  fileprivate var prefix: String { value.map { "[\($0)]/" } ?? "" }
}
