// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// What all that is loaded from a template has in common: type information, a map with each program's template, and the
/// maps that are to be shared.
struct CommonParts: Sendable {
  let btf: SharedFD
  /// For each program of the template.
  let templates: [SharedFD]
  /// By index in the template.
  let maps: [Int: SharedFD]
  /// The names of `maps`.
  let names: [String]
  /// Those among `maps` that are new, and have to be pinned.
  let newMaps: [LoadedMap]

  private let types: [UInt8]

  /// Takes what programs of the collection have already, and makes what is missing.
  ///
  /// - Parameters:
  ///   - collection: the programs that run in the collection.
  ///   - shared: which maps are to be shared, by the object's name or libbpf's.
  ///   - pinned: a map that the collection has pinned under a name; nil if there is none.
  /// - Throws: `.notFound` if a pattern matches no map; `.exists` if another map is pinned under the name of one;
  ///   `.unsupported` for type information that this kernel is too old for; `.permission`, `.kernel`.
  init(
    of template: CollectionTemplate, running programs: [ManagedProgram] = [], named collection: String,
    sharing shared: [Glob] = [], pinned: (String) throws(StaticKeysError) -> SharedFD? = { _ in nil },
    system: BPFSystem
  ) throws(StaticKeysError) {
    types = template.btf
    let like = programs.filter { running in template.programs.contains { $0.template == running.template } }
    let btf: SharedFD
    if let known = try Self.btf(of: like, equalTo: template.btf, system: system) {
      btf = known
    } else {
      btf = try Self.loadTypes(of: template, system: system)
    }
    self.btf = btf
    let store = InstanceStore(system: system)
    templates = try template.programs.map { program throws(StaticKeysError) in
      let running = like.first { $0.template == program.template }
      if let running, let map = try? system.object(.map, id: running.templateMapID) { return map }
      return try store.createMap(for: program.template)
    }
    var maps: [Int: SharedFD] = [:]
    var names: [String] = []
    var newMaps: [LoadedMap] = []
    for index in try Self.indexes(of: shared, in: template, named: collection) {
      let map = template.maps[index]
      let name = map.name(in: collection)
      names.append(name)
      if let old = try pinned(name) {
        try Self.require(old, toBe: map, describedBy: template.btf, named: name, system: system)
        maps[index] = old
      } else {
        let new = try Self.create(map, named: name, btf: btf, system: system)
        maps[index] = new
        newMaps.append(LoadedMap(name: name, fd: new, isShared: true))
      }
    }
    self.maps = maps
    self.names = names
    self.newMaps = newMaps
  }

  /// The lines of a program, for the verifier's refusals.
  func lines(of program: ProgramTemplate) -> LineTable? {
    guard let btf = try? BTFObject(bytes: types) else { return nil }
    return LineTable(program.lineInfo) { btf.string(at: $0) }
  }

  private static func indexes(
    of shared: [Glob], in template: CollectionTemplate, named collection: String
  ) throws(StaticKeysError) -> [Int] {
    var found: Set<Int> = []
    for glob in shared {
      let matching = template.maps.indices.filter { index in
        glob.matches(template.maps[index].name) || glob.matches(template.maps[index].name(in: collection))
      }
      guard !matching.isEmpty else {
        throw StaticKeysError(
          .notFound, "the object has no map '\(glob)' to share",
          advice: template.maps.isEmpty ? nil : "it has \(template.maps.map(\.name).joined(separator: ", "))")
      }
      found.formUnion(matching)
    }
    return found.sorted()
  }

  private static func btf(
    of programs: [ManagedProgram], equalTo bytes: [UInt8], system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD? {
    guard let id = programs.first?.btfID, id != 0 else { return nil }
    guard try BTFObject(kernelID: id).bytes() == bytes else { return nil }
    return try? system.btf(id: id)
  }

  private static func loadTypes(
    of template: CollectionTemplate, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    do throws(LoadFailure) {
      return try system.loadBTF(template.btf)
    } catch {
      // libbpf leaves out what a kernel does not know of an object's types; here they are taken as they are.
      if template.describesPlaces, FeatureProbe(system: system).declarationTags().answer == .no {
        throw StaticKeysError(
          .unsupported, "its types have declaration tags, which this kernel does not know", errno: error.errno.rawValue,
          advice: "load the object itself; a template of it takes Linux 5.16")
      }
      let reason = error.log.split(separator: "\n").last.map { ": \($0)" } ?? ""
      throw .kernel(
        error.errno, "the kernel does not take the template's type information\(reason)", needs: [.bpf],
        advice: "build the template again on this kernel")
    }
  }

  /// A new map with its content.
  static func create(
    _ map: MapTemplate, named name: String, btf: SharedFD, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    do throws(Errno) {
      let inner = try map.inner.first.map { inner throws(Errno) in
        try createTyped(inner, named: "\(name).inner", btf: btf, inner: nil, system: system)
      }
      let fd = try createTyped(map, named: name, btf: btf, inner: inner, system: system)
      try system.fill(fd, with: map.content, freeze: map.isFrozen)
      return fd
    } catch {
      throw .kernel(error, "cannot create the map '\(name)'", needs: [.bpf])
    }
  }

  /// As libbpf does it: a map whose types the kernel does not take is made without them.
  private static func createTyped(
    _ map: MapTemplate, named name: String, btf: SharedFD, inner: SharedFD?, system: BPFSystem
  ) throws(Errno) -> SharedFD {
    guard map.keyType != 0 || map.valueType != 0 else {
      return try system.createMap(map, named: name, btf: nil, inner: inner)
    }
    do throws(Errno) {
      return try system.createMap(map, named: name, btf: btf, inner: inner)
    } catch  where error != .permissionDenied && error != .notPermitted && error != .noMemory {
      return try system.createMap(map, named: name, btf: nil, inner: inner)
    }
  }

  static func id(of map: SharedFD, system: BPFSystem) throws(StaticKeysError) -> UInt32 {
    do throws(Errno) {
      return try system.rawInfo(ofMap: map).id
    } catch {
      throw .kernel(error, "cannot read a new map")
    }
  }

  private static func require(
    _ old: SharedFD, toBe map: MapTemplate, describedBy types: [UInt8], named name: String, system: BPFSystem
  ) throws(StaticKeysError) {
    let shape = try MapShape(map, in: BTFObject(bytes: types))
    let running = try MapShape(of: old, named: name, system: system)
    var isSame = shape.isMet(by: running)
    if isSame, map.isFrozen, shape.variables == nil {
      // Constants that nobody describes, such as texts, are the same if all bytes are.
      let content = map.content.isEmpty ? [UInt8](repeating: 0, count: Int(map.valueSize)) : map.content
      do throws(Errno) {
        isSame = try system.firstValue(ofMap: old, size: content.count) == content
      } catch {
        throw .kernel(error, "cannot read the map '\(name)'", needs: [.bpf])
      }
    }
    guard isSame else {
      throw StaticKeysError(
        .exists, "the collection's map '\(name)' has another shape: \(running); the template's: \(shape)",
        advice: "do not share it, or give another --name")
    }
  }
}

extension CollectionTemplate {
  /// Whether declaration tags in its types tell of sites and immediates.
  fileprivate var describesPlaces: Bool {
    programs.contains { !$0.template.sites.isEmpty || !$0.template.immediates.isEmpty }
  }
}
