// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// What can be switched on and off: static keys, and constants that are truth values.
public struct Switches: Sendable {
  /// The static keys, by name.
  public let keys: [KeyStatus]
  /// The constants, by name.
  public let constants: [ValueStatus]

  /// The state of all of them together.
  public var state: KeyStatus.State {
    let states = Set(keys.map(\.state) + constants.map(\.switchState))
    return states.count == 1 ? states.first ?? .mixed : .mixed
  }
}

extension Inventory {
  /// The switches that patterns mean, each once.
  ///
  /// - Parameter selector: looks at these programs only.
  /// - Throws: `.notFound`, `.ambiguous` as `keys(matching:)` does.
  public func switches(
    matching patterns: [KeyPattern], in selector: ProgramSelector? = nil, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) -> Switches {
    try switches(matching: patterns, in: selector, system: system) { () throws(StaticKeysError) in
      try ValueIndex(of: self, in: selector, system: system)
    }
  }

  /// The same, with an index of values that is asked for only where no plain name of a static key settles it.
  func switches(
    matching patterns: [KeyPattern], in selector: ProgramSelector?, system: BPFSystem,
    index: () throws(StaticKeysError) -> ValueIndex
  ) throws(StaticKeysError) -> Switches {
    let all = try keys(in: selector, system: system)
    let isSettled = patterns.allSatisfy { pattern in
      !pattern.key.isPattern && all.contains { pattern.matches(collection: $0.collection, key: $0.key.name) }
    }
    if isSettled { return Switches(keys: try keys(matching: patterns, in: selector, system: system), constants: []) }
    let values = try index().values.filter(\.isSwitch)
    var keys: [String: KeyStatus] = [:]
    var constants: [String: ValueStatus] = [:]
    for pattern in patterns {
      let value = ValuePattern(pattern)
      let matched = all.filter { pattern.matches(collection: $0.collection, key: $0.key.name) }
      let switches = values.filter { value.path(in: $0.variable, of: $0.collection) == .whole }
      let collections = Set(matched.map(\.collection) + switches.map(\.collection))
      guard !collections.isEmpty else { throw notASwitch(pattern, index: try index(), keys: all, switches: values) }
      let names = matched.map(\.name) + switches.map { "\($0.name) (\($0.origin))" }
      let isOne = pattern.collection == nil ? names.count == 1 : collections.count == names.count
      guard pattern.key.isPattern || isOne else {
        throw StaticKeysError(
          .ambiguous, "'\(pattern)' means several keys: \(names.joined(separator: ", "))",
          advice: "name the collection, or write */\(pattern.key) for all")
      }
      for key in matched { keys[key.name] = key }
      for constant in switches { constants["\(constant.name) \(constant.origin)"] = constant }
    }
    return Switches(
      keys: keys.values.sorted { $0.name < $1.name }, constants: constants.values.sorted { $0.name < $1.name })
  }

  private func notASwitch(
    _ pattern: KeyPattern, index: ValueIndex, keys: [KeyStatus], switches: [ValueStatus]
  ) -> StaticKeysError {
    let other = index.values.first { ValuePattern(pattern).path(in: $0.variable, of: $0.collection) != nil }
    if let other {
      return StaticKeysError(
        .notFound,
        "'\(pattern)' is no key: it is the \(other.kind.rawValue) \(other.type.declaration(of: other.variable))",
        advice: "set it: set \(other.name)=…")
    }
    let near = switches.filter { EditDistance.isNear(pattern.key.pattern, $0.variable) }.map(\.name)
    return notFound(pattern, among: keys, alsoNear: near)
  }
}
