// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A key of a collection as it stands over all the programs that have it.
public struct KeyStatus: Sendable {
  /// The name under which the object was loaded.
  public let collection: String
  /// The key and the value that its author gave it.
  public let key: StaticKey
  /// The programs that have it, by id.
  public let programs: [ManagedProgram]

  /// Whether a key is on in all, in none or in some of its programs.
  public enum State: String, Sendable {
    case on, off, mixed
  }

  /// The key's state now.
  public var state: State {
    let values = Set(programs.map { $0.value(of: key.name) })
    guard values.count == 1, let value = values.first ?? nil else { return .mixed }
    return value ? .on : .off
  }

  /// "collection/key".
  public var name: String { "\(collection)/\(key.name)" }

  /// The key's sites, by program and place.
  public var sites: [(program: ManagedProgram, site: BranchSite)] {
    programs.flatMap { program in
      program.template.sites.filter { $0.key == key.name }.map { (program, $0) }
    }
  }
}

extension Inventory {
  /// All keys of the programs, by collection and name.
  ///
  /// - Parameter selector: looks at these programs only.
  public func keys(
    in selector: ProgramSelector? = nil, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) -> [KeyStatus] {
    let programs = try selector.map { selector throws(StaticKeysError) in
      try self.programs(selectedBy: selector, system: system)
    }
    var found: [String: [StaticKey: [ManagedProgram]]] = [:]
    for program in programs ?? self.programs {
      for key in program.template.keys {
        found[program.instance.collection, default: [:]][key, default: []].append(program)
      }
    }
    return found.flatMap { collection, keys in
      keys.map { KeyStatus(collection: collection, key: $0.key, programs: $0.value) }
    }.sorted { ($0.collection, $0.key.name.rawValue) < ($1.collection, $1.key.name.rawValue) }
  }

  /// The keys that the patterns mean, each once.
  ///
  /// - Throws: `.notFound` for a pattern that matches nothing; `.ambiguous` for a plain key name that several
  ///   collections have.
  public func keys(
    matching patterns: [KeyPattern], in selector: ProgramSelector? = nil, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) -> [KeyStatus] {
    let all = try keys(in: selector, system: system)
    var names: Set<String> = []
    for pattern in patterns {
      let found = all.filter { pattern.matches(collection: $0.collection, key: $0.key.name) }
      guard let first = found.first else { throw notFound(pattern, among: all) }
      if pattern.collection == nil, !pattern.key.isPattern, found.contains(where: { $0.collection != first.collection })
      {
        throw StaticKeysError(
          .ambiguous, "'\(pattern)' means several keys: \(found.map(\.name).joined(separator: ", "))",
          advice: "name the collection, or write */\(pattern) for all")
      }
      names.formUnion(found.map(\.name))
    }
    return all.filter { names.contains($0.name) }
  }

  func notFound(
    _ pattern: KeyPattern, among keys: [KeyStatus], alsoNear others: [String] = []
  ) -> StaticKeysError {
    if let broken = unreadable.first {
      return StaticKeysError(
        broken.error.code, "no key matches '\(pattern)', and a program cannot be read: \(broken.error.message)",
        at: broken.error.place, errno: broken.error.errno, advice: broken.error.advice)
    }
    let near =
      keys.filter { key in
        EditDistance.isNear(pattern.key.pattern, key.key.name.rawValue)
          && pattern.collection.map { $0.matches(key.collection) || EditDistance.isNear($0.pattern, key.collection) }
            ?? true
      }.map(\.name) + others
    let advice = near.isEmpty ? "'list' shows the keys there are" : "did you mean \(near.joined(separator: " or "))?"
    return StaticKeysError(.notFound, "no key matches '\(pattern)'", advice: advice)
  }
}
