// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A program of the object and the hook it is to hang on.
public struct AttachRequest: Hashable, Sendable {
  /// The program's C name; nil where the object has only one that can go there.
  public let program: String?
  /// Where to.
  public let hook: Hook

  /// The request in `[PROG=]HOOK`; nil if the hook is none.
  public init?(_ text: String) {
    // A cgroup's path may hold "=": only a C identifier before it is a program's name.
    if let equals = text.firstIndex(of: "="), let name = KeyName(text[..<equals]) {
      program = name.rawValue
      guard let hook = Hook(text[text.index(after: equals)...]) else { return nil }
      self.hook = hook
    } else {
      guard let hook = Hook(text) else { return nil }
      program = nil
      self.hook = hook
    }
  }
}

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
  public let links: [(program: String, hook: Hook)]
}

/// Loads an object as a collection: all or nothing.
///
/// Requires Linux 5.10, CAP_SYS_ADMIN for bpffs, CAP_BPF and what the programs' types and hooks need.
public struct CollectionLoader: Sendable {
  private let system: BPFSystem

  /// Loads through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// The name a collection gets from its file where the user gives none: "flowmon" for flowmon.bpf.o.
  public static func defaultName(of object: FilePath) -> String {
    String(object.lastComponent?.string.prefix { $0 != "." } ?? "")
  }

  /// Loads, pins and attaches.
  ///
  /// - Parameters:
  ///   - settings: values of keys that differ from their default; patterns in order, later ones win.
  ///   - attach: where programs go.
  ///   - engine: which one shall flip its keys, which decides in what form the sites are loaded.
  /// - Throws: `.exists` for a name or hook that is taken, `.ambiguous` or `.notFound` for a program to attach, what
  ///   the object is refused for, `.verifier`, `.permission`, `.kernel`; nothing stays behind.
  public func load(
    _ object: FilePath, name: String? = nil, settings: [(keys: Glob, value: Bool)] = [], attach: [AttachRequest] = [],
    engine: EngineChoice = .auto
  ) throws(StaticKeysError) -> LoadReport {
    let collection = name ?? Self.defaultName(of: object)
    guard CollectionStore.isValid(name: collection) else {
      throw StaticKeysError(
        .usage, "'\(collection)' cannot be a collection's name", advice: "use letters, digits, _ and - in --name")
    }
    let form = try engine.form()
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      let loaded = try ObjectLoader(system: system).load(object, collection: collection, settings: settings, form: form)
      return try publish(loaded, as: collection, attach: attach)
    }
  }

  private func publish(
    _ loaded: LoadedObject, as collection: String, attach: [AttachRequest]
  ) throws(StaticKeysError) -> LoadReport {
    let targets = try attach.map { request throws(StaticKeysError) in (try loaded.program(for: request), request.hook) }
    let store = CollectionStore(system: system)
    try store.create(collection)
    do throws(StaticKeysError) {
      for program in loaded.programs {
        try store.pin(program.fd, as: program.program.name, part: .programs, of: collection)
      }
      for map in loaded.maps { try store.pin(map.fd, as: map.name, part: .maps, of: collection) }
      for (index, (program, hook)) in targets.enumerated() {
        let link = try hook.attach(program, system: system)
        try store.pin(link, as: "\(program.program.name)_\(index)", part: .links, of: collection)
      }
    } catch {
      do throws(StaticKeysError) { try store.removeLocked(collection) } catch let second {
        throw StaticKeysError(
          .partlyApplied, "\(error); and could not clean up: \(second)", errno: error.errno,
          advice: "unload '\(collection)'")
      }
      throw error
    }
    return LoadReport(
      collection: collection, directory: CollectionStore.directory(of: collection),
      programs: loaded.programs.map(\.program),
      maps: loaded.maps.map(\.name), links: targets.map { (program: $0.0.program.name, hook: $0.1) })
  }
}

extension LoadedObject {
  /// The program that a request means.
  func program(for request: AttachRequest) throws(StaticKeysError) -> OpenProgram {
    if let name = request.program {
      guard let program = programs.first(where: { $0.program.name == name }) else {
        throw StaticKeysError(
          .notFound, "the object has no program '\(name)'",
          advice: "it has \(programs.map(\.program.name).joined(separator: ", "))")
      }
      guard request.hook.takes(program.program) else {
        throw StaticKeysError(
          .usage, "the program '\(name)' (section \(program.program.section)) cannot go to \(request.hook)")
      }
      return program
    }
    let candidates = programs.filter { request.hook.takes($0.program) }
    guard let only = candidates.first else {
      throw StaticKeysError(.notFound, "the object has no program that can go to \(request.hook)")
    }
    guard candidates.count == 1 else {
      throw StaticKeysError(
        .ambiguous,
        "several programs can go to \(request.hook): \(candidates.map(\.program.name).joined(separator: ", "))",
        advice: "say which: \(only.program.name)=\(request.hook)")
    }
    return only
  }
}
