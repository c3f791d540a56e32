// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A key of a collection as it stands over all the programs that have it.
public struct KeyStatus: Sendable {
  /// The name under which the object was loaded.
  public let collection: String
  /// The key; where the collection's objects define it with different values, as one of them does.
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

  /// The value that its author gave it; nil where the collection's objects do not agree on it.
  public var defaultValue: Bool? {
    programs.common { program in program.template.keys.first { $0.name == key.name }?.defaultValue }
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
    var found: [String: [KeyName: (key: StaticKey, programs: [ManagedProgram])]] = [:]
    for program in programs ?? self.programs {
      for key in program.template.keys {
        found[program.instance.collection, default: [:]][key.name, default: (key, [])].programs.append(program)
      }
    }
    return found.flatMap { collection, keys in
      keys.values.map { KeyStatus(collection: collection, key: $0.key, programs: $0.programs) }
    }.sorted { ($0.collection, $0.key.name) < ($1.collection, $1.key.name) }
  }
}
