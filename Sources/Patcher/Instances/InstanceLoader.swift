// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage

/// What came of making instances.
public struct InstancesReport: Sendable {
  /// The collection's name.
  public let collection: String
  /// Its pins.
  public let directory: FilePath
  /// Whether the collection was loaded before.
  public let wasLoaded: Bool
  /// The collection's maps that the instances share, by name.
  public let sharedMaps: [String]
  /// The instances, in the order in which they were asked for.
  public let instances: [(name: String, report: LoadReport)]
}

extension CollectionLoader {
  /// Makes instances of an object or template: many programs from one template, each with its own values and hooks.
  ///
  /// The collection is made if it is not there. Each instance has maps of its own, but for those that are shared; of the
  /// template there is one in the kernel. An object is made into a template first, in memory.
  /// - Parameters:
  ///   - file: an object or a template.
  ///   - name: the collection's name instead of the file's.
  ///   - shared: the maps that are the collection's and not each instance's; patterns.
  ///   - way: by what programs hang on their hooks.
  /// - Throws: `.exists` for an instance's name or a hook that is taken; else as `load`. Nothing stays behind.
  public func load(
    _ file: FilePath, name: String? = nil, instances: [InstanceSpec], sharing shared: [Glob] = [],
    via way: AttachWay = .auto, engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> InstancesReport {
    let template: CollectionTemplate
    if let known = try TemplateFile.readIfTemplate(file) {
      template = known
    } else {
      template = try TemplateBuilder(system: system.unwatched).build(file)
    }
    return try located(at: Place(file: file.string)) { () throws(StaticKeysError) in
      try load(
        template, name: name, instances: instances, sharing: shared, via: way, engine: engine)
    }
  }

  /// Makes instances of a template; as those of a file.
  public func load(
    _ template: CollectionTemplate, name: String? = nil, instances: [InstanceSpec], sharing shared: [Glob] = [],
    via way: AttachWay = .auto, engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> InstancesReport {
    let collection = name ?? template.object
    try Self.require(collection: collection)
    try Self.require(instances)
    try template.requireThisMachine()
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      let store = CollectionStore(system: system)
      try store.recover(collection)
      let taken = Set(store.instances(of: collection))
      if let twice = instances.first(where: { taken.contains($0.name) }) {
        throw StaticKeysError(
          .exists, "the collection '\(collection)' has an instance '\(twice.name)' already",
          advice: "unload that one first, or give another name")
      }
      let isLoaded = store.names().contains(collection)
      let report = try store.staging(collection) { staged throws(StaticKeysError) in
        let common = try commonParts(of: template, named: collection, sharing: shared, store: store)
        let loader = TemplateLoader(
          system: system, template: template, collection: collection, engine: engine, common: common)
        DescriptorLimit.raise(toHold: instances.count * (template.programs.count * 2 + template.maps.count))
        let loaded = try inParallel(
          instances.count, counter: ProgressCounter(.loading, of: instances.count, on: system)
        ) { index throws(StaticKeysError) in
          let spec = instances[index]
          return try located(at: spec.place(in: collection)) { () throws(StaticKeysError) in
            try loader.load(instance: spec.name, settings: spec.settings, values: spec.values)
          }
        }
        for map in common.newMaps { try store.pin(map.fd, as: map.name, part: .maps, of: staged) }
        let reports = try pin(loaded, as: instances, of: collection, way: way, in: staged, store: store)
        if isLoaded { try store.settleAddition(to: collection) } else { try store.publish(collection) }
        return InstancesReport(
          collection: collection, directory: CollectionStore.directory(of: collection), wasLoaded: isLoaded,
          sharedMaps: common.names, instances: reports)
      }
      if isLoaded {
        do throws(StaticKeysError) { try store.completeAddition(to: collection) } catch { throw .tidyingFailed(error) }
      }
      return report
    }
  }

  private static func require(_ instances: [InstanceSpec]) throws(StaticKeysError) {
    guard !instances.isEmpty else { throw StaticKeysError(.usage, "no instance is asked for") }
    var seen: Set<String> = []
    for spec in instances {
      guard CollectionStore.isValid(name: spec.name) else {
        throw StaticKeysError(
          .usage, "'\(spec.name)' cannot be an instance's name", advice: "use letters, digits, _ and -")
      }
      guard seen.insert(spec.name).inserted else {
        throw StaticKeysError(.exists, "the instance '\(spec.name)' is asked for twice")
      }
    }
  }

  private func commonParts(
    of template: CollectionTemplate, named collection: String, sharing shared: [Glob], store: CollectionStore
  ) throws(StaticKeysError) -> CommonParts {
    guard store.names().contains(collection) else {
      return try CommonParts(of: template, named: collection, sharing: shared, system: system)
    }
    let running = try Discovery.inventory(system: system).programs.filter { $0.instance.collection == collection }
    // What is pinned is to be what those that run use, whatever became of the writer that changed it.
    try MapPins(of: [collection], usedBy: running, system: system).commit()
    return try CommonParts(
      of: template, running: running, named: collection, sharing: shared,
      pinned: { name throws(StaticKeysError) in try store.pinned(name, part: .maps, of: collection) }, system: system)
  }

  /// Pins and attaches instances.
  private func pin(
    _ loaded: [LoadedObject], as specs: [InstanceSpec], of collection: String, way: AttachWay, in staged: String,
    store: CollectionStore
  ) throws(StaticKeysError) -> [(name: String, report: LoadReport)] {
    var targets: [[(program: OpenProgram, hook: Hook)]] = []
    for (object, spec) in zip(loaded, specs) { targets.append(try object.targets(of: spec.attach)) }
    let counter = ProgressCounter(.attaching, of: targets.map(\.count).reduce(0, +), on: system)
    var reports: [(name: String, report: LoadReport)] = []
    for (index, spec) in specs.enumerated() {
      let links = try located(at: spec.place(in: collection)) { () throws(StaticKeysError) in
        try store.create(instance: spec.name, of: staged)
        return try store.pin(
          loaded[index], targets: targets[index], way: way, in: CollectionStore.instance(spec.name, of: staged),
          counter: counter)
      }
      reports.append((spec.name, LoadReport(loaded[index], as: collection, links: links)))
    }
    return reports
  }
}

extension InstanceSpec {
  fileprivate func place(in collection: String) -> Place { Place(program: "\(collection)[\(name)]") }
}
