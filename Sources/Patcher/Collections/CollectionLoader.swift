// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage

/// What `CollectionLoader` did.
public struct LoadReport: Sendable {
  /// The collection's name.
  public let collection: String
  /// Its pins.
  public let directory: FilePath
  /// The programs, in the object's order.
  public let programs: [LoadedProgram]
  /// The maps' names.
  public let maps: [String]
  /// The hooks taken.
  public let links: [(program: String, hook: Hook, behindSlot: Bool)]
  /// The maps that it shares with programs that ran before, by name.
  public let sharedMaps: [String]
  /// Why the kernel did not take the programs in the form that it can patch, so that `auto` loaded them for reloads; nil
  /// if it took them or was not asked.
  public let nativeRefusal: StaticKeysError?
}

/// Loads an object, or a template made of one, as a collection: all or nothing.
///
/// Requires Linux 5.10, CAP_SYS_ADMIN for bpffs, CAP_BPF and what the programs' types and hooks need.
public struct CollectionLoader: Sendable {
  let system: BPFSystem

  /// Loads through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// The name a collection gets from its file where the user gives none: "flowmon" for flowmon.bpf.o.
  public static func defaultName(of object: FilePath) -> String {
    String(object.lastComponent?.string.prefix { $0 != "." } ?? "")
  }

  /// Loads, pins and attaches.
  ///
  /// A template file needs no ELF, none of libbpf's objects and no compiler; what comes of it is what would come of the
  /// object.
  /// - Parameters:
  ///   - file: an object or a template.
  ///   - settings: values of keys that differ from their default; patterns in order, later ones win.
  ///   - values: first values of keys, constants and variables, as `set` takes them; they come after `settings`.
  ///   - attach: where programs go.
  ///   - way: by what they hang there.
  ///   - engine: which one shall flip its keys, which decides in what form the sites are loaded. Where the kernel refuses
  ///     the form that it can patch, `auto` loads the other, and the report says why.
  /// - Throws: `.notFound`, `.ambiguous` or `.badValue` for a value, `.exists` for a name or hook that is taken,
  ///   `.ambiguous` or `.notFound` for a program to attach, what the file is refused for, `.verifier`, `.permission`, `.kernel`; nothing stays behind.
  public func load(
    _ file: FilePath, name: String? = nil, settings: [(keys: Glob, value: Bool)] = [], values: [InitialValue] = [],
    attach: [AttachRequest] = [], via way: AttachWay = .auto, engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> LoadReport {
    if let template = try TemplateFile.readIfTemplate(file) {
      return try located(at: Place(file: file.string)) { () throws(StaticKeysError) in
        try load(
          template, name: name, settings: settings, values: values, attach: attach, via: way, engine: engine)
      }
    }
    return try load(as: name ?? Self.defaultName(of: file), attach: attach, via: way) {
      collection throws(StaticKeysError) in
      try ObjectLoader(system: system).load(
        file, collection: collection, settings: settings, values: values, engine: engine)
    }
  }

  /// Loads a template, pins and attaches; as the loading of a file.
  ///
  /// - Throws: also `.unsupported` for a template that was built for another kernel, with the names of both.
  public func load(
    _ template: CollectionTemplate, name: String? = nil, settings: [(keys: Glob, value: Bool)] = [],
    values: [InitialValue] = [], attach: [AttachRequest] = [], via way: AttachWay = .auto, engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> LoadReport {
    try template.requireThisMachine()
    return try load(as: name ?? template.object, attach: attach, via: way) { collection throws(StaticKeysError) in
      let common = try CommonParts(of: template, named: collection, system: system)
      return try TemplateLoader(
        system: system, template: template, collection: collection, engine: engine, common: common
      ).load(
        settings: settings, values: values,
        counter: ProgressCounter(.loading, of: template.programs.count, on: system))
    }
  }

  static func require(collection: String) throws(StaticKeysError) {
    guard CollectionStore.isValid(name: collection) else {
      throw StaticKeysError(
        .usage, "'\(collection)' cannot be a collection's name", advice: "use letters, digits, _ and - in --name")
    }
  }

  private func load(
    as collection: String, attach: [AttachRequest], via way: AttachWay,
    _ load: (_ collection: String) throws(StaticKeysError) -> LoadedObject
  ) throws(StaticKeysError) -> LoadReport {
    try Self.require(collection: collection)
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      let store = CollectionStore(system: system)
      try store.requireFree(collection)
      return try store.staging(collection) { staged throws(StaticKeysError) in
        let loaded = try load(collection)
        let targets = try loaded.targets(of: attach)
        let links = try store.pin(
          loaded, targets: targets, way: way, in: staged,
          counter: ProgressCounter(.attaching, of: targets.count, on: system))
        try store.publish(collection)
        return LoadReport(loaded, as: collection, links: links)
      }
    }
  }
}

extension CollectionStore {
  /// Pins all that came of an object, and attaches it.
  func pin(
    _ loaded: LoadedObject, targets: [(program: OpenProgram, hook: Hook)], way: AttachWay, in place: String,
    counter: ProgressCounter
  ) throws(StaticKeysError) -> [(program: String, hook: Hook, behindSlot: Bool)] {
    for program in loaded.programs { try pin(program.fd, as: program.program.name, part: .programs, of: place) }
    for map in loaded.maps { try pin(map.fd, as: map.name, part: .maps, of: place) }
    var attacher = CollectionAttacher(store: self, collection: place, way: way)
    return try attacher.attach(targets, counter: counter)
  }
}

extension CollectionTemplate {
  /// - Throws: `.corruptedTemplate` or `.badSite` for one whose parts do not fit together; `.unsupported` for one of another
  ///   byte order or kernel.
  func requireThisMachine() throws(StaticKeysError) {
    try validate()
    guard byteOrder == .host else {
      throw StaticKeysError(
        .unsupported, "the template is for machines of the other byte order", advice: "build it again on this machine")
    }
    if let binding { try binding.require(.running()) }
  }
}

extension LoadReport {
  init(_ loaded: LoadedObject, as collection: String, links: [(program: String, hook: Hook, behindSlot: Bool)]) {
    self.init(
      collection: collection, directory: CollectionStore.directory(of: collection),
      programs: loaded.programs.map(\.program), maps: loaded.maps.map(\.name), links: links,
      sharedMaps: loaded.maps.filter(\.isShared).map(\.name), nativeRefusal: loaded.nativeRefusal)
  }
}

extension LoadedObject {
  /// The programs that requests mean, each with its hook.
  func targets(of requests: [AttachRequest]) throws(StaticKeysError) -> [(program: OpenProgram, hook: Hook)] {
    try requests.map { request throws(StaticKeysError) in try targets(of: request) }.flatMap { $0 }
  }
}
