// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Wishes being put together, one after the other: a later one sees what those before it did.
struct ChangeDraft {
  /// What each program is to have, by its id.
  private(set) var wanted: [UInt32: ProgramWishes] = [:]

  private let inventory: Inventory
  private let selector: ProgramSelector?
  private let system: BPFSystem
  private let selected: Set<UInt32>
  private var index: ValueIndex?
  private var touchedKeys: [String: KeyStatus] = [:]
  private var touchedSwitches: [String: ValueStatus] = [:]
  private var touchedValues: [(value: ValueStatus, place: ValueLocation)] = []
  private var edits: [UInt32: VariableEdit] = [:]

  init(of inventory: Inventory, in selector: ProgramSelector?, system: BPFSystem) throws(StaticKeysError) {
    self.inventory = inventory
    self.selector = selector
    self.system = system
    let programs = try selector.map { selector throws(StaticKeysError) in
      try inventory.programs(selectedBy: selector, system: system)
    }
    selected = Set((programs ?? inventory.programs).map(\.id))
  }

  // .. Wishes ...................................................................................................

  /// Switches keys, and constants that are truth values, which are keys to whoever turns them on.
  mutating func add(_ action: KeyAction, to pattern: KeyPattern) throws(StaticKeysError) {
    let found = try inventory.switches(matching: [pattern], in: selector, system: system) {
      () throws(StaticKeysError) in try valueIndex()
    }
    for key in found.keys { set(key, to: try action.value(for: key.name, in: key.state)) }
    for value in found.constants {
      touchedSwitches[value.name] = value
      let isOn = try action.value(for: value.name, in: value.switchState)
      _ = try set(value, .whole, to: isOn ? "on" : "off")
    }
  }

  /// Sets values, or parts of them, to what a text says.
  mutating func add(_ text: String, to pattern: ValuePattern) throws(StaticKeysError) {
    for match in try valueIndex().matches(for: pattern) {
      switch match {
      case .key(let key):
        guard let isOn = SwitchWord.value(of: text) else {
          throw StaticKeysError(
            .badValue, "static key \(key.name): '\(text)' is no truth value",
            advice: "write on, off, true, false, 1 or 0")
        }
        set(key, to: isOn)
      case .value(let value, let path):
        let place = try set(value, path, to: text)
        touchedValues.removeAll { $0.value.name == value.name && $0.place.expression == place.expression }
        touchedValues.append((value, place))
      }
    }
  }

  private mutating func valueIndex() throws(StaticKeysError) -> ValueIndex {
    if let index { return index }
    let read = try ValueIndex(of: inventory, in: selector, system: system)
    index = read
    return read
  }

  private mutating func set(_ key: KeyStatus, to isOn: Bool) {
    touchedKeys[key.name] = key
    for program in key.programs { wanted[program.id, default: ProgramWishes()].keys[key.key.name] = isOn }
  }

  private mutating func set(
    _ value: ValueStatus, _ path: ValuePath, to text: String
  ) throws(StaticKeysError) -> ValueLocation {
    let place = try value.whole.part(path)
    for holder in value.holders {
      switch holder.place {
      case .map(let id, let offset):
        guard let map = index?.maps[id] else { continue }
        var edit = edits[id] ?? VariableEdit(map: map, bytes: map.bytes)
        var bytes = Array(edit.bytes[offset..<offset + value.type.size])
        let written = try place.set(text, in: &bytes)
        edit.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        edit.written += written.map { $0.lowerBound + offset * 8..<$0.upperBound + offset * 8 }
        edits[id] = edit
      case .program(let id):
        guard let program = value.programs.first(where: { $0.id == id }),
          let immediate = program.template.immediates.first(where: { $0.name.rawValue == value.variable })?.immediate
        else { continue }
        var bytes = immediate.bytes(of: wanted[id]?.immediates[immediate.name] ?? immediate.bits(of: holder.bytes))
        try place.set(text, in: &bytes)
        wanted[id, default: ProgramWishes()].immediates[immediate.name] = immediate.bits(of: bytes)
      }
    }
    return place
  }

  // .. Outcome ..................................................................................................

  /// Makes the maps for changed constants, and has the programs that use the old ones want them.
  mutating func makeMaps() throws(StaticKeysError) -> ConstantMaps {
    var maps = ConstantMaps(system: system)
    var siblings: [String: [DataMap]] = [:]
    for (collection, ids) in Dictionary(grouping: inventory.programs, by: \.instance.collection) {
      siblings[collection] = Set(ids.flatMap(\.instance.mapIDs)).sorted().compactMap { index?.maps[$0] }
    }
    let users = Dictionary(
      grouping: inventory.programs.filter { selected.contains($0.id) }.flatMap { program in
        Set(program.instance.mapIDs).map { (map: $0, program: program) }
      }, by: \.map
    ).mapValues { $0.map(\.program) }
    for (id, edit) in edits.sorted(by: { $0.key < $1.key }) where edit.map.kind == .constant {
      let programs = users[id] ?? []
      guard let collection = programs.first?.instance.collection else { continue }
      var new = id
      if edit.bytes != edit.map.bytes {
        new = try maps.replace(
          edit.map, of: collection, by: edit.bytes, existing: siblings[collection] ?? [])
      }
      for program in programs { wanted[program.id, default: ProgramWishes()].maps[id] = new }
    }
    return maps
  }

  /// What is to be written in place.
  var variableEdits: [VariableEdit] {
    edits.values.filter { $0.map.kind == .variable && $0.bytes != $0.map.bytes }.sorted { $0.map.id < $1.map.id }
  }

  /// The switches asked for, by name.
  var keyChanges: [KeyChange] {
    let keys = touchedKeys.values.map { key in
      let on = key.programs.allSatisfy { wanted[$0.id]?.keys[key.key.name] == true }
      return KeyChange(name: key.name, from: key.state, to: on ? .on : .off)
    }
    let constants = touchedSwitches.values.map { value in
      KeyChange(
        kind: value.kind, name: value.name, from: value.switchState,
        to: after(value, value.whole) == .boolean(true) ? .on : .off)
    }
    return (keys + constants).sorted { $0.name < $1.name }
  }

  /// The values asked for, in the order of the wishes.
  func valueChanges() throws(StaticKeysError) -> [ValueChange] {
    touchedValues.map { value, place in
      let before = Set(value.holders.map { place.value(in: $0.bytes) })
      return ValueChange(
        name: "\(value.collection)/\(place.expression)", kind: value.kind, declaration: place.declaration,
        from: before.count == 1 ? before.first : nil, to: after(value, place) ?? .elided)
    }
  }

  private func after(_ value: ValueStatus, _ place: ValueLocation) -> DecodedValue? {
    switch value.holders.first?.place {
    case .map(let id, let offset)?:
      edits[id].map { place.value(in: Array($0.bytes[offset..<offset + value.type.size])) }
    case .program(let id)?:
      value.programs.first { $0.id == id }?.template.immediates
        .first { $0.name.rawValue == value.variable }.flatMap { site in
          wanted[id]?.immediates[site.name].map { place.value(in: site.immediate.bytes(of: $0)) }
        }
    case nil: nil
    }
  }
}

extension KeyAction {
  /// The value that a switch is to get.
  ///
  /// - Throws: `.ambiguous` for a toggle of what is on here and off there.
  fileprivate func value(for name: String, in state: KeyStatus.State) throws(StaticKeysError) -> Bool {
    switch self {
    case .enable: return true
    case .disable: return false
    case .toggle:
      guard state != .mixed else {
        throw StaticKeysError(
          .ambiguous, "it is on in some programs and off in others", at: Place(key: name),
          advice: "enable or disable it")
      }
      return state == .off
    }
  }
}
