// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// What `CollectionLoader.replace` did, or would do.
public struct UpgradeReport: Sendable {
  /// What became of a program.
  public struct Program: Sendable {
    /// What happened.
    public enum Outcome: String, Sendable {
      case replaced, added, removed
    }

    /// Its C name.
    public let name: String
    /// What happened to it.
    public let outcome: Outcome
    /// The ids of those that ran under the name.
    public let old: [UInt32]
    /// The new one's; nil if there is none.
    public let new: UInt32?
    /// Where it took their place.
    public let places: [String]
  }

  /// What became of a map.
  public struct Map: Sendable {
    /// What happened.
    public enum Outcome: String, Sendable {
      case kept, new, removed
    }

    /// Its C name; that of its pin if the object does not have it.
    public let name: String
    /// What happened to it.
    public let outcome: Outcome
  }

  /// What became of a key.
  public struct Key: Sendable {
    /// The key.
    public let name: KeyName
    /// Its state before; nil if it is new.
    public let from: KeyStatus.State?
    /// Its state now; nil if it is gone.
    public let to: KeyStatus.State?
  }

  /// The collection's name.
  public let collection: String
  /// The object's programs in its order, then those that are gone.
  public let programs: [Program]
  /// The object's maps in its order, then those that are gone.
  public let maps: [Map]
  /// By name.
  public let keys: [Key]
  /// The hooks newly taken.
  public let links: [(program: String, hook: Hook, behindSlot: Bool)]
  /// Old programs that are still there, replaced or removed, since something holds them that is not the collection's.
  public internal(set) var stillHeld: [UInt32] = []
  /// As in `LoadReport`.
  public let nativeRefusal: StaticKeysError?
}

extension CollectionLoader {
  /// Puts a new object's programs in the place of a running collection's, at the same hooks: all or nothing.
  ///
  /// Programs and keys are the same if their names are. Maps of the same name and shape are kept with what they hold.
  /// Programs that the object lacks go, also those that were added to the collection later. A kill at any moment leaves
  /// the old or the new program at every hook, and the same call completes it.
  /// - Parameters:
  ///   - settings: values of keys; they win over the collection's.
  ///   - values: likewise of keys, constants and variables; they come after `settings`.
  ///   - defaults: starts keys with the object's values instead of the collection's.
  ///   - fresh: maps, by their C names, that start anew, as those whose shape has changed must.
  ///   - attach: where programs go besides.
  ///   - dryRun: loads and verifies the new programs, and leaves it at that.
  /// - Throws: `.notFound` for a collection that is not loaded; `.exists` for a map of another shape; `.ambiguous` for a
  ///   key that is on in some programs and off in others; `.unsupported` for a program that cannot be replaced where it
  ///   hangs; what `load` throws; `.partlyApplied` where a change could not be taken back.
  public func replace(
    _ object: FilePath, name: String? = nil, settings: [(keys: Glob, value: Bool)] = [], values: [InitialValue] = [],
    defaults: Bool = false, fresh: Set<String> = [], attach: [AttachRequest] = [], via way: AttachWay = .auto,
    engine: EngineChoice = .auto, dryRun: Bool = false
  ) throws(StaticKeysError) -> UpgradeReport {
    let collection = name ?? Self.defaultName(of: object)
    let store = CollectionStore(system: system)
    try store.requireLoaded(collection)
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      try store.requireLoaded(collection)
      let load = { (running: RunningCollection) throws(StaticKeysError) in
        try ObjectLoader(system: system).load(
          object, collection: collection, settings: settings, values: values, engine: engine,
          inheritance: Inheritance(
            values: defaults ? [:] : running.values,
            maps: MapSharing(system: system, pinned: running.maps, fresh: fresh)))
      }
      var (report, old) = try upgrade(collection, by: load, attach: attach, via: way, dryRun: dryRun)
      // Nothing here holds an old program any more.
      if !dryRun { report.stillHeld = system.outlived(old) }
      return report
    }
  }

  private func upgrade(
    _ collection: String, by load: (RunningCollection) throws(StaticKeysError) -> LoadedObject,
    attach: [AttachRequest], via way: AttachWay, dryRun: Bool
  ) throws(StaticKeysError) -> (report: UpgradeReport, old: [ManagedProgram]) {
    func prepare() throws(StaticKeysError) -> CollectionUpgrade {
      let running = try RunningCollection(collection, system: system)
      return try CollectionUpgrade(of: running, to: load(running), attach: attach, system: system)
    }
    if dryRun {
      let upgrade = try prepare()
      let links = upgrade.targets.map { program, hook in
        (program: program.program.name, hook: hook, behindSlot: way.usesSlot(at: hook))
      }
      return (UpgradeReport(upgrade, links: links), upgrade.old)
    }
    let store = CollectionStore(system: system)
    let (upgrade, links) = try store.staging(collection) { staged throws(StaticKeysError) in
      let upgrade = try prepare()
      return (upgrade, try upgrade.commit(in: staged, way: way, system: system))
    }
    try upgrade.tidy(store)
    return (UpgradeReport(upgrade, links: links), upgrade.old)
  }
}

extension UpgradeReport {
  fileprivate init(_ upgrade: CollectionUpgrade, links: [(program: String, hook: Hook, behindSlot: Bool)]) {
    let (running, loaded) = (upgrade.running, upgrade.loaded)
    let present = loaded.programs.map { program in
      let replaced = upgrade.replaced.first { $0.program.program.id == program.program.id }
      return Program(
        name: program.program.name, outcome: replaced == nil ? .added : .replaced, old: replaced?.old.map(\.id) ?? [],
        new: program.program.id, places: replaced?.swap.places ?? [])
    }
    let gone = Dictionary(grouping: upgrade.removed, by: \.name).sorted { $0.key < $1.key }.map { name, old in
      Program(name: name, outcome: .removed, old: old.map(\.id), new: nil, places: [])
    }
    let ownMaps = loaded.maps.map { Map(name: $0.name, outcome: $0.isShared ? .kept : .new) }
    let pins = Set(loaded.maps.map { CollectionStore.pinName($0.name) })
    let goneMaps = running.maps.keys.filter { !pins.contains($0) }.sorted().map { Map(name: $0, outcome: .removed) }
    self.init(
      collection: running.name, programs: present + gone, maps: ownMaps + goneMaps,
      keys: Self.keys(from: running, to: loaded), links: links, nativeRefusal: loaded.nativeRefusal)
  }

  private static func keys(from running: RunningCollection, to loaded: LoadedObject) -> [Key] {
    let before = running.values.mapValues { $0.map { $0 ? KeyStatus.State.on : .off } ?? .mixed }
    var after: KeyValues = [:]
    for program in loaded.programs { after.merge(program.program.instance.values) { $1 } }
    return Set(before.keys).union(after.keys).sorted().map { name in
      Key(name: name, from: before[name], to: after[name].map { $0 ? .on : .off })
    }
  }
}
