// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys

/// Puts together what each program has of a value.
struct ValueCollector {
  private var reader: DataMapReader
  private(set) var maps: [UInt32: DataMap] = [:]
  private var users: [Use: [ManagedProgram]] = [:]
  private var immediates: [Name: [ValueHolder]] = [:]
  private var constantTypes: [UInt32: [String: ValueType]] = [:]

  private struct Use: Hashable {
    let collection: String
    let map: UInt32
  }

  /// What a user knows a value by. Where and as what the collection's objects have it may differ.
  private struct Name: Hashable {
    let collection: String
    let variable: String
    let kind: ValueKind
  }

  init(system: BPFSystem) { reader = DataMapReader(system: system) }

  /// Adds a program's; those with lower ids come before it.
  mutating func add(_ program: ManagedProgram) throws(StaticKeysError) {
    for id in Set(program.instance.mapIDs) {
      guard let map = try reader.map(id) else { continue }
      maps[id] = map
      users[Use(collection: program.instance.collection, map: id), default: []].append(program)
    }
    addImmediates(of: program)
  }

  /// The values, by collection and name.
  var values: [ValueStatus] {
    var found = immediates
    // In the order of the maps, so that a value looks the same each time.
    for (use, programs) in users.sorted(by: { $0.key.map < $1.key.map }) {
      guard let map = maps[use.map] else { continue }
      for variable in map.section.variables {
        // A plain `const` may have been folded into the code by the compiler: setting it would be a lie.
        guard map.kind == .variable || variable.isVolatile, variable.offset + variable.type.size <= map.bytes.count
        else { continue }
        let name = Name(collection: use.collection, variable: variable.name, kind: map.kind)
        found[name, default: []].append(
          ValueHolder(
            place: .map(map.id, offset: variable.offset),
            origin: ValueHolder.Origin(section: map.section.name, offset: variable.offset), type: variable.type,
            bytes: Array(map.bytes[variable.offset..<variable.offset + variable.type.size]), programs: programs))
      }
    }
    return found.flatMap { name, holders in
      apart(holders).map {
        ValueStatus(collection: name.collection, variable: name.variable, kind: name.kind, holders: $0)
      }
    }.sorted { ($0.collection, $0.variable, $0.origin) < ($1.collection, $1.variable, $1.origin) }
  }

  /// Variables of one name are one value, but for those that one object has several of.
  private func apart(_ holders: [ValueHolder]) -> [[ValueHolder]] {
    let origins = Dictionary(grouping: holders, by: object).mapValues { Set($0.map(\.origin)).sorted() }
    let values = Dictionary(grouping: holders) { origins[object(of: $0)]?.firstIndex(of: $0.origin) }
    return values.sorted { ($0.key ?? 0) < ($1.key ?? 0) }.map(\.value)
  }

  /// Which object a place is of: what libbpf makes of one has its type information in common.
  private func object(of holder: ValueHolder) -> UInt32? {
    if case .map(let id, _) = holder.place { maps[id]?.shape.btfID } else { nil }
  }

  private mutating func addImmediates(of program: ManagedProgram) {
    guard !program.template.immediates.isEmpty else { return }
    let types = types(ofConstants: program)
    var seen: Set<KeyName> = []
    for site in program.template.immediates where seen.insert(site.name).inserted {
      let immediate = site.immediate
      let variable = site.name.rawValue
      let type = types[variable].flatMap { $0.size == immediate.size ? $0 : nil } ?? immediate.plainType
      let whole = ValueLocation(whole: type, named: variable)
      let name = Name(collection: program.instance.collection, variable: variable, kind: .immediate)
      immediates[name, default: []].append(
        ValueHolder(
          place: .program(program.id, immediate), origin: .immediate, type: type,
          bytes: immediate.bytes(of: program.instance.immediates[site.name] ?? immediate.defaultValue),
          programs: [program], defaultValue: whole.value(in: immediate.bytes(of: immediate.defaultValue))))
    }
  }

  private mutating func types(ofConstants program: ManagedProgram) -> [String: ValueType] {
    if let known = constantTypes[program.btfID] { return known }
    let section = (try? BTFObject(kernelID: program.btfID))?.dataSection(named: StaticImmediate.section)
    let types = Dictionary((section?.variables ?? []).map { ($0.name, $0.type) }) { first, _ in first }
    constantTypes[program.btfID] = types
    return types
  }
}
