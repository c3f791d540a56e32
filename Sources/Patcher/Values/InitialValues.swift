// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The value that a key, constant or variable is to have from the start, instead of the object's.
public struct InitialValue: Hashable, Sendable {
  /// What gets it; a collection in it is not looked at.
  public let name: ValuePattern
  /// The value as `set` takes it.
  public let text: String

  /// A value for a name.
  public init(_ name: ValuePattern, _ text: String) {
    self.name = name
    self.text = text
  }
}

/// First values, in order; a later one wins.
struct InitialValues {
  private let values: [InitialValue]
  private let keys: [StaticKey]
  private let collection: String

  init(_ values: [InitialValue], keys: [StaticKey], collection: String) {
    self.values = values
    self.keys = keys
    self.collection = collection
  }

  var isEmpty: Bool { values.isEmpty }

  /// The keys that get one of the values.
  var namedKeys: Set<KeyName> {
    Set(
      keys.map(\.name).filter { key in
        values.contains { $0.name.path(in: key.rawValue, of: collection) == .whole }
      })
  }

  /// What a name in the object stands for.
  private enum Target {
    case key(KeyName)
    case immediate(StaticImmediate)
    case variable(map: Int, offset: Int, size: Int)
  }

  /// A named thing of the object.
  private struct Entry {
    let name: String
    let target: Target
    let whole: ValueLocation
  }

  /// A map of variables that is not made yet.
  struct Contents {
    /// Which one, to whoever asks.
    let map: Int
    let valueType: UInt32
    var bytes: [UInt8]
    fileprivate(set) var isChanged = false

    init(of map: Int, valueType: UInt32, bytes: [UInt8]) {
      self.map = map
      self.valueType = valueType
      self.bytes = bytes
    }
  }

  /// Puts variables' values into the object's maps, and tells those of keys and immediates.
  ///
  /// - Throws: `.notFound` or `.ambiguous` for a name, `.badValue` for what its type cannot hold.
  func apply(to object: borrowing OpenObject) throws(StaticKeysError) -> (keys: KeyValues, immediates: ImmediateValues)
  {
    guard !values.isEmpty, let raw = bpf_object__btf(object.raw) else { return ([:], [:]) }
    var maps: [OpaquePointer] = []
    var contents: [Contents] = []
    var next = bpf_object__next_map(object.raw, nil)
    while let map = next {
      next = bpf_object__next_map(object.raw, map)
      var size = 0
      guard let first = bpf_map__initial_value(map, &size) else { continue }
      contents.append(
        Contents(
          of: maps.count, valueType: bpf_map__btf_value_type_id(map),
          bytes: Array(UnsafeRawBufferPointer(start: first, count: size))))
      maps.append(map)
    }
    let first = try apply(to: &contents, describedBy: BTFObject(borrowing: raw))
    for map in contents where map.isChanged {
      let raw = maps[map.map]
      let status = map.bytes.withUnsafeBytes { bpf_map__set_initial_value(raw, $0.baseAddress, $0.count) }
      guard status == 0 else {
        throw StaticKeysError(
          .kernel, "libbpf does not take first values for \(String(cString: bpf_map__name(raw)))", errno: -status)
      }
    }
    return first
  }

  /// Puts variables' values into maps' contents, and tells those of keys and immediates.
  ///
  /// - Throws: as `apply(to:)`.
  func apply(
    to contents: inout [Contents], describedBy btf: borrowing BTFObject
  ) throws(StaticKeysError) -> (keys: KeyValues, immediates: ImmediateValues) {
    guard !values.isEmpty else { return ([:], [:]) }
    var entries = try survey(contents, btf)
    var keys: KeyValues = [:]
    var immediates: ImmediateValues = [:]
    entries += self.keys.map { key in
      let type = ValueType(name: "static key", size: 1, shape: .boolean)
      return Entry(
        name: key.name.rawValue, target: .key(key.name), whole: ValueLocation(whole: type, named: key.name.rawValue))
    }
    for value in values {
      for (entry, path) in try found(value.name, among: entries) {
        let place = try entry.whole.part(path)
        switch entry.target {
        case .key(let name):
          var bytes: [UInt8] = [0]
          try place.set(value.text, in: &bytes)
          keys[name] = bytes == [1]
        case .immediate(let immediate):
          var bytes = immediate.bytes(of: immediates[immediate.name] ?? immediate.defaultValue)
          try place.set(value.text, in: &bytes)
          immediates[immediate.name] = immediate.bits(of: bytes)
        case .variable(let map, let offset, let size):
          var bytes = Array(contents[map].bytes[offset..<offset + size])
          try place.set(value.text, in: &bytes)
          contents[map].bytes.replaceSubrange(offset..<offset + size, with: bytes)
          contents[map].isChanged = true
        }
      }
    }
    return (keys, immediates)
  }

  private func found(
    _ name: ValuePattern, among entries: [Entry]
  ) throws(StaticKeysError) -> [(Entry, ValuePath)] {
    let name = ValuePattern(name.expression) ?? name
    let matches = entries.compactMap { entry in name.path(in: entry.name, of: collection).map { (entry, $0) } }
    let exact = matches.filter { name.expression == "\($0.0.name)\($0.1)" }
    let found = exact.isEmpty || name.isPattern ? matches : exact
    guard !found.isEmpty else {
      let names = Set(entries.map(\.name)).sorted()
      let near = names.filter { EditDistance.isNear($0, name.name) }
      throw StaticKeysError(
        .notFound, "the object has no key or value '\(name)'",
        advice: !near.isEmpty
          ? "did you mean \(near.joined(separator: " or "))?"
          : names.isEmpty ? nil : "it has \(names.prefix(20).joined(separator: ", "))\(names.count > 20 ? ", …" : "")")
    }
    guard found.count == 1 || name.isPattern else {
      throw StaticKeysError(
        .ambiguous, "'\(name)' means several: \(found.map { $0.0.whole.declaration }.joined(separator: ", "))",
        advice: "name it in full; of two with one name, one has to be renamed in the source")
    }
    return found
  }

  private func survey(_ contents: [Contents], _ btf: borrowing BTFObject) throws(StaticKeysError) -> [Entry] {
    var entries: [Entry] = []
    for (index, map) in contents.enumerated() {
      guard let section = btf.dataSection(map.valueType), let kind = DataMap.kind(ofSection: section.name) else {
        continue
      }
      for variable in section.variables where kind == .variable || variable.isVolatile {
        guard variable.offset + variable.type.size <= map.bytes.count else { continue }
        let whole = ValueLocation(whole: variable.type, named: variable.name)
        entries.append(
          Entry(
            name: variable.name, target: .variable(map: index, offset: variable.offset, size: variable.type.size),
            whole: whole))
      }
    }
    return entries + (try immediates(in: btf))
  }

  private func immediates(in btf: borrowing BTFObject) throws(StaticKeysError) -> [Entry] {
    let section = btf.dataSection(named: StaticImmediate.section)
    let types = Dictionary((section?.variables ?? []).map { ($0.name, $0.type) }) { first, _ in first }
    var found: [KeyName: StaticImmediate] = [:]
    for immediate in try btf.immediates().values.joined() { found[immediate.name] = immediate }
    return found.values.map { immediate in
      let name = immediate.name.rawValue
      let type = types[name].flatMap { $0.size == immediate.size ? $0 : nil } ?? immediate.plainType
      let whole = ValueLocation(whole: type, named: name)
      return Entry(name: name, target: .immediate(immediate), whole: whole)
    }
  }
}
