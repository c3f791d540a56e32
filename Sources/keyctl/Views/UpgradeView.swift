// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// What `load --replace` did, or with -n would do.
struct UpgradeView: Encodable {
  let collection: String
  let dryRun: Bool
  let programs: [Program]
  let maps: [Map]
  let keys: [Key]
  let links: [LoadView.Link]
  let stillHeld: [UInt32]

  struct Program: Encodable {
    let name: String
    let outcome: String
    let old: [UInt32]
    /// Unknown in a dry run: the program that was tried is gone.
    let new: OrNull<UInt32>
    let places: [String]
  }

  struct Map: Encodable {
    let name: String
    let outcome: String
  }

  struct Key: Encodable {
    let key: String
    let from: OrNull<String>
    let to: OrNull<String>
  }

  init(_ report: UpgradeReport, dryRun: Bool) {
    collection = report.collection
    self.dryRun = dryRun
    programs = report.programs.map {
      Program(
        name: $0.name, outcome: $0.outcome.rawValue, old: $0.old, new: OrNull(dryRun ? nil : $0.new), places: $0.places)
    }
    maps = report.maps.map { Map(name: $0.name, outcome: $0.outcome.rawValue) }
    keys = report.keys.map {
      Key(key: $0.name.rawValue, from: OrNull($0.from?.rawValue), to: OrNull($0.to?.rawValue))
    }
    links = report.links.map { LoadView.Link($0, of: nil) }
    stillHeld = report.stillHeld
  }
}

extension UpgradeView {
  /// A line for each program, map, key and hook.
  var lines: [String] {
    let head =
      "replaced \(collection): \(counted(programs.count, "program")), \(counted(maps.count, "map")), "
      + "\(counted(keys.count, "key"))"
    let lines =
      [head] + programs.map(\.line) + maps.map { "  map \($0.name): \($0.outcome)" } + keys.map(\.line)
      + links.map { "  \($0.program) attached to \($0.hook)" }
    return dryRun ? lines + ["nothing was changed: this was a dry run, with everything loaded and verified"] : lines
  }
}

extension UpgradeView.Program {
  fileprivate var line: String {
    let old = old.map(String.init).joined(separator: ", ")
    let ids = [old, new.value.map(String.init) ?? ""].filter { !$0.isEmpty }.joined(separator: " -> ")
    return "  program \(ids) \(name): \(outcome)" + (places.isEmpty ? "" : " at \(places.joined(separator: ", "))")
  }
}

extension UpgradeView.Key {
  fileprivate var line: String {
    switch (from.value, to.value) {
    case (let from?, let to?): from == to ? "  key \(key): \(to)" : "  key \(key): \(from) -> \(to)"
    case (nil, let to): "  key \(key): \(to ?? "") (new)"
    case (let from?, nil): "  key \(key): gone (it was \(from))"
    }
  }
}
