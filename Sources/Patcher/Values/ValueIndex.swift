// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// All that can be got and set in running programs: static keys, immediates, constants and variables.
public struct ValueIndex: Sendable {
  /// The static keys, by collection and name.
  public let keys: [KeyStatus]
  /// The other values, by collection and name.
  public let values: [ValueStatus]
  let maps: [UInt32: DataMap]
  let unreadable: [UnreadableProgram]

  /// Reads the values of all programs of an inventory.
  ///
  /// - Parameter selector: looks at these programs only.
  /// - Throws: `.notFound` for the selector, `.permission`, `.kernel`.
  public init(
    of inventory: Inventory, in selector: ProgramSelector? = nil, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) {
    var programs = inventory.programs
    if let selector { programs = try inventory.programs(selectedBy: selector, system: system) }
    var collector = ValueCollector(system: system)
    for program in programs { try collector.add(program) }
    keys = try inventory.keys(in: selector, system: system)
    values = collector.values
    maps = collector.maps
    unreadable = inventory.unreadable
  }

  /// All of it.
  public var all: [ValueMatch] { keys.map { .key($0) } + values.map { .value($0, .whole) } }
}

/// One thing that a pattern means.
public enum ValueMatch: Sendable {
  /// A static key.
  case key(KeyStatus)
  /// A value, or a part of it.
  case value(ValueStatus, ValuePath)

  /// The collection.
  public var collection: String {
    switch self {
    case .key(let key): key.collection
    case .value(let value, _): value.collection
    }
  }

  /// The name in C, without a path.
  public var variable: String {
    switch self {
    case .key(let key): key.key.name.rawValue
    case .value(let value, _): value.variable
    }
  }

  /// "collection/name".
  public var name: String { "\(collection)/\(variable)" }

  /// The programs that have it.
  public var programs: [ManagedProgram] {
    switch self {
    case .key(let key): key.programs
    case .value(let value, _): value.programs
    }
  }

  /// Whether it can be switched on and off: static keys can, and constants that are truth values.
  public var isSwitch: Bool {
    switch self {
    case .key: true
    case .value(let value, let path): value.isSwitch && path == .whole
    }
  }

  /// The state of what can.
  public var switchState: KeyStatus.State {
    switch self {
    case .key(let key): key.state
    case .value(let value, _): value.switchState
    }
  }

  var identity: ValueIdentity {
    switch self {
    case .key(let key): ValueIdentity(name: key.name, place: nil)
    case .value(let value, _): value.identity
    }
  }

  var story: String {
    switch self {
    case .key(let key): "\(key.name) (static key)"
    case .value(let value, _): "\(value.name) (\(value.type.declaration(of: value.variable)), \(value.origin))"
    }
  }
}

extension Collection<ValueMatch> {
  /// The state of several switches together.
  public var switchState: KeyStatus.State { common(\.switchState) ?? .mixed }
}
