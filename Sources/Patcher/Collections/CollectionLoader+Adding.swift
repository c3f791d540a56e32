// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

extension CollectionLoader {
  /// Loads an object's programs into a collection that runs: all or nothing.
  ///
  /// Its keys start with the values that the collection's have, and maps of the same name and shape are shared.
  /// - Parameters:
  ///   - settings: values of keys; they win over the collection's.
  ///   - values: likewise of keys, constants and variables; they come after `settings`.
  ///   - defaults: starts keys with the object's values instead of the collection's.
  /// - Throws: `.notFound` for a collection that is not loaded; `.exists` for a program of a name that is taken or a map
  ///   of another shape; `.ambiguous` for a key that is on in some programs and off in others; what `load` throws.
  public func add(
    _ object: FilePath, to collection: String, settings: [(keys: Glob, value: Bool)] = [], values: [InitialValue] = [],
    defaults: Bool = false, attach: [AttachRequest] = [], via way: AttachWay = .auto, engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> LoadReport {
    let store = CollectionStore(system: system)
    try store.requireLoaded(collection)
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      try store.requireLoaded(collection)
      let isCompleted = try store.recover(collection).completed != nil
      let running = try RunningCollection(collection, system: system)
      let sharing = MapSharing(system: system, pinned: running.maps, otherLayout: .ownMap)
      let load = { () throws(StaticKeysError) in
        let loaded = try ObjectLoader(system: system).load(
          object, collection: collection, settings: settings, values: values, engine: engine,
          inheritance: Inheritance(values: defaults ? [:] : running.values, maps: sharing))
        return (loaded, targets: try loaded.targets(of: attach))
      }
      if isCompleted {
        let (loaded, targets) = try load()
        if let report = loaded.alreadyAdded(to: running, targets: targets) { return report }
      }
      let report = try store.staging(collection) { staged throws(StaticKeysError) in
        let (loaded, targets) = try load()
        try requireNew(loaded, in: running)
        let links = try store.pin(
          loaded.programs, loaded.maps, targets: targets, way: way, for: running, in: staged, ownNames: true)
        try store.settleAddition(to: collection)
        return LoadReport(loaded, as: collection, links: links)
      }
      do throws(StaticKeysError) { try store.completeAddition(to: collection) } catch {
        throw .tidyingFailed(error)
      }
      return report
    }
  }

  private func requireNew(_ loaded: LoadedObject, in running: RunningCollection) throws(StaticKeysError) {
    let taken = loaded.programs.map(\.program.name).filter { name in running.programs.contains { $0.name == name } }
    guard !taken.isEmpty else { return }
    throw StaticKeysError(
      .exists, "the collection '\(running.name)' has a program \(taken.joined(separator: ", ")) already",
      advice: "load --replace puts new programs in the old ones' place")
  }
}

extension StaticKeysError {
  /// What failed once all programs were where they were to be.
  static func tidyingFailed(_ error: StaticKeysError) -> StaticKeysError {
    StaticKeysError(
      .partlyApplied, "the new programs run, but not all pins are in place: \(error)", errno: error.errno,
      advice: "run the same command again to complete it")
  }
}

extension LoadedObject {
  /// What there is to tell if a killed command had done all but its last steps, which have been done for it now.
  fileprivate func alreadyAdded(
    to running: RunningCollection, targets: [(program: OpenProgram, hook: Hook)]
  ) -> LoadReport? {
    let standing = Dictionary(running.programs.map { ($0.name, $0) }) { $1 }
    guard programs.allSatisfy({ standing[$0.program.name] != nil }) else { return nil }
    return LoadReport(
      collection: running.name, directory: CollectionStore.directory(of: running.name),
      programs: programs.map { $0.program.standing(as: standing[$0.program.name]) },
      maps: maps.map(\.name), links: targets.map { ($0.program.program.name, $0.hook, false) },
      sharedMaps: maps.filter(\.isShared).map(\.name), nativeRefusal: nativeRefusal)
  }
}

extension LoadedProgram {
  fileprivate func standing(as program: ManagedProgram?) -> LoadedProgram {
    guard let program else { return self }
    return LoadedProgram(
      name: name, section: section, id: program.id, template: program.template, instance: program.instance)
  }
}

extension CollectionStore {
  /// Pins what is to join a collection, and attaches it.
  ///
  /// - Parameter ownNames: gives maps that are not shared names that the collection does not have; else they take the
  ///   place of those it has.
  func pin(
    _ programs: [OpenProgram], _ maps: [LoadedMap], targets: [(program: OpenProgram, hook: Hook)], way: AttachWay,
    for running: RunningCollection, in staged: String, ownNames: Bool
  ) throws(StaticKeysError) -> [(program: String, hook: Hook, behindSlot: Bool)] {
    for program in programs { try pin(program.fd, as: program.program.name, part: .programs, of: staged) }
    for map in maps where !map.isShared {
      let name = Self.pinName(map.name)
      try pin(map.fd, as: ownNames ? Self.free(name, among: running.maps) : name, part: .maps, of: staged)
    }
    let links = BPFFS.entries(of: Self.directory(of: .links, in: running.name)).map(\.name)
    var attacher = CollectionAttacher(store: self, collection: staged, way: way, from: Self.nextNumber(after: links))
    for (program, _) in targets {
      if let root = try slotRoot(of: program.program.name, in: running.name) {
        attacher.reuse(root: OpenProgram(program: program.program, fd: root))
      }
    }
    return try attacher.attach(
      targets, counter: ProgressCounter(.attaching, of: targets.count, on: system))
  }

  /// The root of the slot that a program has; nil if it has none.
  func slotRoot(of program: String, in collection: String) throws(StaticKeysError) -> SharedFD? {
    let path = Self.directory(of: .slots, in: collection).appending("\(program)-root")
    do throws(Errno) {
      return try system.openPin(path)
    } catch .noSuchFileOrDirectory {
      return nil
    } catch {
      throw .kernel(error, "cannot open the slot's root", at: Place(file: path.string))
    }
  }

  private static func free(_ name: String, among taken: [String: SharedFD]) -> String {
    guard taken[name] != nil else { return name }
    return (2...).lazy.map { "\(name)_\($0)" }.first { taken[$0] == nil } ?? name
  }

  /// A number that none of these pins ends in, nor a larger one.
  private static func nextNumber(after pins: [String]) -> Int {
    (pins.compactMap { $0.split(separator: "_").last.flatMap { Int($0) } }.max() ?? -1) + 1
  }
}
