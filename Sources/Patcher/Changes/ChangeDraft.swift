// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Wishes being put together, one after the other: of several that set the same, the later one wins.
///
/// A toggle goes by what runs now: a key that several patterns mean is toggled once.
struct ChangeDraft {
  /// What each program is to have, by its id.
  private(set) var wanted: [UInt32: ProgramWishes] = [:]

  private let inventory: Inventory
  private let selector: ProgramSelector?
  private let system: BPFSystem
  private let selected: Set<UInt32>
  private var index: ValueIndex?
  private var touchedKeys: [String: KeyStatus] = [:]
  private var touchedSwitches: [ValueIdentity: ValueStatus] = [:]
  private var touchedValues: [(value: ValueStatus, path: ValuePath)] = []
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
    for match in try valueIndex().matches(for: ValuePattern(pattern), among: .switches) {
      let isOn = try action.value(for: match.name, in: match.switchState)
      switch match {
      case .key(let key): set(key, to: isOn)
      case .value(let value, let path):
        touchedSwitches[value.identity] = value
        try set(value, path, to: isOn ? "on" : "off")
      }
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
        try set(value, path, to: text)
        touchedValues.removeAll { $0.value.identity == value.identity && $0.path == path }
        touchedValues.append((value, path))
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

  private mutating func set(_ value: ValueStatus, _ path: ValuePath, to text: String) throws(StaticKeysError) {
    try value.forEachHolder { holder throws(StaticKeysError) in
      if value.kind == .variable { try requireSelected(holder, of: value) }
      let part = try value.part(path, in: holder)
      var bytes = bytes(of: holder)
      let written = try part.set(text, in: &bytes)
      put(bytes, written, in: holder)
    }
  }

  /// A constant is another for each program that is loaded again; a variable is the same for all that use its map.
  private func requireSelected(_ holder: ValueHolder, of value: ValueStatus) throws(StaticKeysError) {
    guard selector != nil, case .map(let id, _) = holder.place else { return }
    let others = inventory.programs.filter { $0.instance.mapIDs.contains(id) && !selected.contains($0.id) }
    guard !others.isEmpty else { return }
    let names = others.prefix(5).map { "\($0.qualifiedName) (id \($0.id))" } + (others.count > 5 ? ["…"] : [])
    throw StaticKeysError(
      .unsupported,
      "the variable \(value.name) cannot be set for some programs alone: its map is also that of "
        + names.joined(separator: ", "), advice: "set it for all of them")
  }

  /// A place's bytes as the wishes so far have them.
  private func bytes(of holder: ValueHolder) -> [UInt8] {
    switch holder.place {
    case .map(let id, let offset):
      edits[id].map { Array($0.bytes[offset..<offset + holder.bytes.count]) } ?? holder.bytes
    case .program(let id, let immediate):
      wanted[id]?.immediates[immediate.name].map { immediate.bytes(of: $0) } ?? holder.bytes
    }
  }

  private mutating func put(_ bytes: [UInt8], _ written: [Range<Int>], in holder: ValueHolder) {
    switch holder.place {
    case .map(let id, let offset):
      guard let map = index?.maps[id] else { return }
      var edit = edits[id] ?? VariableEdit(map: map, bytes: map.bytes)
      edit.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      edit.written += written.map { $0.lowerBound + offset * 8..<$0.upperBound + offset * 8 }
      edits[id] = edit
    case .program(let id, let immediate):
      wanted[id, default: ProgramWishes()].immediates[immediate.name] = immediate.bits(of: bytes)
    }
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
  func keyChanges() throws(StaticKeysError) -> [KeyChange] {
    var changes = touchedKeys.values.map { key in
      let on = key.programs.allSatisfy { wanted[$0.id]?.keys[key.key.name] == true }
      let changed = key.programs.filter { $0.value(of: key.key.name) != on }
      return KeyChange(name: key.name, from: key.state, to: on ? .on : .off, programs: Set(changed.map(\.id)))
    }
    for value in touchedSwitches.values {
      let change = try change(of: value, at: .whole)
      changes.append(
        KeyChange(
          kind: value.kind, name: value.name, from: value.switchState, to: change.to == .boolean(true) ? .on : .off,
          programs: change.programs))
    }
    return changes.sorted { $0.name < $1.name }
  }

  /// The values asked for, in the order of the wishes.
  func valueChanges() throws(StaticKeysError) -> [ValueChange] {
    try touchedValues.map { value, path throws(StaticKeysError) in try change(of: value, at: path) }
  }

  private func change(of value: ValueStatus, at path: ValuePath) throws(StaticKeysError) -> ValueChange {
    let parts = try value.parts(at: path)
    let changed = parts.filter { holder, part in part.value(in: holder.bytes) != part.value(in: bytes(of: holder)) }
    return ValueChange(
      name: "\(value.name)\(path)", kind: value.kind, declaration: try value.declaration(at: path),
      from: try value.value(at: path), to: parts.common { holder, part in part.value(in: bytes(of: holder)) },
      programs: Set(changed.flatMap(\.holder.programs).map(\.id)))
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
