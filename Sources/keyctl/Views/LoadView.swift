// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// What `load` did.
struct LoadView: Encodable {
  let collection: String
  let directory: String
  let programs: [Program]
  let maps: [String]
  let keys: [Key]
  let links: [Link]

  struct Program: Encodable {
    let name: String
    let id: UInt32
    let section: String
    let sites: Int
  }

  struct Key: Encodable {
    let key: String
    let state: String
    let `default`: Bool
  }

  struct Link: Encodable {
    let program: String
    let hook: String
  }

  init(_ report: LoadReport) {
    collection = report.collection
    directory = report.directory.string
    programs = report.programs.map {
      Program(name: $0.name, id: $0.id, section: $0.section, sites: $0.template.sites.count)
    }
    maps = report.maps
    links = report.links.map { Link(program: $0.program, hook: $0.hook.description) }
    var values: KeyValues = [:]
    for program in report.programs { values.merge(program.instance.values) { first, _ in first } }
    keys = Set(report.programs.flatMap(\.template.keys)).sorted { $0.name < $1.name }.map { key in
      let isOn = values[key.name] ?? key.defaultValue
      return Key(key: key.name.rawValue, state: isOn ? "on" : "off", default: key.defaultValue)
    }
  }

  var lines: [String] {
    let head =
      "loaded \(collection): \(counted(programs.count, "program")), \(counted(maps.count, "map")), "
      + "\(counted(keys.count, "key")), under \(directory)"
    return [head]
      + programs.map { "  program \($0.id) \($0.name) (\($0.section), \(counted($0.sites, "site")))" }
      + keys.map { "  key \($0.key): \($0.state)" }
      + links.map { "  \($0.program) attached to \($0.hook)" }
  }
}
