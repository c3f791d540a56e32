// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys

/// All that can be got and set in running programs: static keys, immediates, constants and variables.
public struct ValueIndex: Sendable {
  /// The static keys, by collection and name.
  public let keys: [KeyStatus]
  /// The other values, by collection and name.
  public let values: [ValueStatus]
  let maps: [UInt32: DataMap]
  private let unreadable: [UnreadableProgram]

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
}

/// One thing that a pattern means.
public enum ValueMatch: Sendable {
  /// A static key.
  case key(KeyStatus)
  /// A value, or a part of it.
  case value(ValueStatus, ValuePath)

  /// "collection/name.path".
  public var name: String {
    switch self {
    case .key(let key): key.name
    case .value(let value, let path): "\(value.name)\(path)"
    }
  }

  /// The collection.
  public var collection: String {
    switch self {
    case .key(let key): key.collection
    case .value(let value, _): value.collection
    }
  }

  /// The programs that have it.
  public var programs: [ManagedProgram] {
    switch self {
    case .key(let key): key.programs
    case .value(let value, _): value.programs
    }
  }

  fileprivate var story: String {
    switch self {
    case .key(let key): "\(key.name) (static key)"
    case .value(let value, _): "\(value.name) (\(value.type.declaration(of: value.variable)), \(value.origin))"
    }
  }
}

extension ValueIndex {
  /// What a pattern means.
  ///
  /// - Throws: `.notFound` if nothing matches; `.ambiguous` for a plain name that several collections have, or several
  ///   variables of one.
  public func matches(for pattern: ValuePattern) throws(StaticKeysError) -> [ValueMatch] {
    let found = candidates(for: pattern)
    guard let first = found.first else { throw notFound(pattern) }
    guard
      found.count == 1 || pattern.isPattern
        || pattern.collection?.isPattern == true && Set(found.map(\.name)).count == found.count
          && Dictionary(grouping: found, by: \.collection).allSatisfy({ $0.value.count == 1 })
    else {
      let otherCollection = found.contains { $0.collection != first.collection }
      throw StaticKeysError(
        .ambiguous, "'\(pattern)' means several: \(found.map(\.story).joined(separator: ", "))",
        advice: otherCollection
          ? "name the collection, or write */\(pattern.expression) for all"
          : "name it in full; of two with one name, one has to be renamed in the source")
    }
    return found
  }

  /// What patterns for keys mean, each once, by name: static keys, then the other values.
  ///
  /// - Throws: as `matches(for:)`.
  public func matches(for patterns: [KeyPattern]) throws(StaticKeysError) -> [ValueMatch] {
    var names: Set<String> = []
    for pattern in patterns {
      for match in try matches(for: ValuePattern(pattern)) { names.insert(match.name) }
    }
    let all = keys.map { ValueMatch.key($0) } + values.map { ValueMatch.value($0, .whole) }
    return all.filter { names.contains($0.name) }
  }

  private func candidates(for pattern: ValuePattern) -> [ValueMatch] {
    let keys = keys.filter { pattern.path(in: $0.key.name.rawValue, of: $0.collection) == .whole }
    var found = keys.map { ValueMatch.key($0) }
    for value in values {
      if let path = pattern.path(in: value.variable, of: value.collection) { found.append(.value(value, path)) }
    }
    // A name in full comes before the same as the last part of another.
    let exact = found.filter { match in
      switch match {
      case .key: true
      case .value(let value, let path): pattern.expression == "\(value.variable)\(path)"
      }
    }
    return exact.isEmpty || pattern.isPattern ? found : exact
  }

  private func notFound(_ pattern: ValuePattern) -> StaticKeysError {
    let canBeRead = pattern.collection.map { named in
      !named.isPattern && (keys.map(\.collection) + values.map(\.collection)).contains { named.matches($0) }
    }
    if let broken = unreadable.first, canBeRead != true {
      return StaticKeysError(
        broken.error.code, "nothing matches '\(pattern)', and a program cannot be read: \(broken.error.message)",
        at: broken.error.place, errno: broken.error.errno, advice: broken.error.advice)
    }
    let all = keys.map { ($0.collection, $0.key.name.rawValue) } + values.map { ($0.collection, $0.variable) }
    let near = all.filter { collection, name in
      EditDistance.isNear(pattern.name, name)
        && pattern.collection.map { $0.matches(collection) || EditDistance.isNear($0.pattern, collection) } ?? true
    }.map { "\($0)/\($1)" }
    return StaticKeysError(
      .notFound, "no key or value matches '\(pattern)'",
      advice: near.isEmpty ? "'list' shows what there is" : "did you mean \(near.prefix(5).joined(separator: " or "))?")
  }
}

/// Puts together what each program has of a value.
private struct ValueCollector {
  private var reader: DataMapReader
  private(set) var maps: [UInt32: DataMap] = [:]
  private var parts: [Identity: Part] = [:]
  private var constantTypes: [UInt32: [String: ValueType]] = [:]

  /// Values are one if a user could not tell them apart.
  private struct Identity: Hashable {
    let collection: String
    let variable: String
    let kind: ValueKind
    let origin: String
    let declaration: String
  }

  private struct Part {
    let type: ValueType
    let defaultValue: DecodedValue?
    var holders: [ValueHolder.Place: ValueHolder] = [:]
    var programs: [ManagedProgram] = []
  }

  init(system: BPFSystem) { reader = DataMapReader(system: system) }

  var values: [ValueStatus] {
    parts.map { identity, part in
      ValueStatus(
        collection: identity.collection, variable: identity.variable, kind: identity.kind, type: part.type,
        origin: identity.origin, defaultValue: part.defaultValue, programs: part.programs,
        holders: Array(part.holders.values))
    }.sorted { ($0.collection, $0.variable, $0.origin) < ($1.collection, $1.variable, $1.origin) }
  }

  mutating func add(_ program: ManagedProgram) throws(StaticKeysError) {
    for id in Set(program.instance.mapIDs) {
      guard let map = try reader.map(id) else { continue }
      maps[id] = map
      add(map, of: program)
    }
    addImmediates(of: program)
  }

  private mutating func add(_ map: DataMap, of program: ManagedProgram) {
    for variable in map.section.variables {
      // A plain `const` may have been folded into the code by the compiler: setting it would be a lie.
      guard map.kind == .variable || variable.isVolatile, variable.offset + variable.type.size <= map.bytes.count
      else { continue }
      let identity = Identity(
        collection: program.instance.collection, variable: variable.name, kind: map.kind,
        origin: "\(map.section.name)+\(variable.offset)", declaration: variable.type.declaration(of: variable.name))
      let place = ValueHolder.Place.map(map.id, offset: variable.offset)
      let bytes = Array(map.bytes[variable.offset..<variable.offset + variable.type.size])
      add(identity, variable.type, nil, ValueHolder(place: place, bytes: bytes), program)
    }
  }

  private mutating func addImmediates(of program: ManagedProgram) {
    guard !program.template.immediates.isEmpty else { return }
    let types = types(ofConstants: program)
    var seen: Set<KeyName> = []
    for site in program.template.immediates where seen.insert(site.name).inserted {
      let immediate = site.immediate
      let type = types[site.name.rawValue].flatMap { $0.size == immediate.size ? $0 : nil } ?? immediate.plainType
      let identity = Identity(
        collection: program.instance.collection, variable: site.name.rawValue, kind: .immediate, origin: "immediate",
        declaration: type.declaration(of: site.name.rawValue))
      let bytes = immediate.bytes(of: program.instance.immediates[site.name] ?? immediate.defaultValue)
      let place = ValueLocation(whole: type, named: site.name.rawValue)
      add(
        identity, type, place.value(in: immediate.bytes(of: immediate.defaultValue)),
        ValueHolder(place: .program(program.id), bytes: bytes), program)
    }
  }

  private mutating func types(ofConstants program: ManagedProgram) -> [String: ValueType] {
    if let known = constantTypes[program.btfID] { return known }
    let section = (try? BTFObject(kernelID: program.btfID))?.dataSection(named: StaticImmediate.section)
    let types = Dictionary((section?.variables ?? []).map { ($0.name, $0.type) }) { first, _ in first }
    constantTypes[program.btfID] = types
    return types
  }

  private mutating func add(
    _ identity: Identity, _ type: ValueType, _ defaultValue: DecodedValue?, _ holder: ValueHolder,
    _ program: ManagedProgram
  ) {
    parts[identity, default: Part(type: type, defaultValue: defaultValue)].holders[holder.place] = holder
    if parts[identity]?.programs.last?.id != program.id { parts[identity]?.programs.append(program) }
  }
}
