// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// A program just loaded, with its template and instance tied to it.
public struct LoadedProgram: Sendable {
  /// Its C name.
  public let name: String
  /// Its ELF section, which tells where it is meant to go.
  public let section: String
  /// The kernel's id.
  public let id: UInt32
  /// What it was made from.
  public let template: ProgramTemplate
  /// Its collection, maps and key values.
  public let instance: ProgramInstance
}

/// All that came of an object, programs in its order; they live as long as this or a pin or hook does.
struct LoadedObject: Sendable {
  let programs: [OpenProgram]
  let maps: [LoadedMap]
  /// All keys that it defines, also those that no program heeds.
  let keys: [StaticKey]
  /// Why the kernel did not take the programs in native form; nil if it did or was not asked.
  var nativeRefusal: StaticKeysError?
}

/// A program just loaded, kept alive.
struct OpenProgram: Sendable {
  let program: LoadedProgram
  let fd: SharedFD
}

/// A map that an object defines.
struct LoadedMap: Sendable {
  let name: String
  let fd: SharedFD
  /// Whether it is a running collection's.
  let isShared: Bool
}

/// Loads BPF objects through libbpf and ties to each program what it takes to load it again.
///
/// Requires Linux 5.10 and what BPF_PROG_LOAD and BPF_MAP_CREATE need: CAP_BPF and, by program type, CAP_NET_ADMIN or
/// CAP_PERFMON.
struct ObjectLoader: Sendable {
  let system: BPFSystem

  /// Loads all programs of an object that are not marked `SEC("?…")`.
  ///
  /// - Parameters:
  ///   - settings: the value of each key matched, in order; others get what they inherit, or else their default.
  ///   - values: likewise for keys, constants and variables; they come after `settings`.
  ///   - engine: which one shall flip its keys.
  ///   - inheritance: what it gets from a running collection.
  /// - Throws: what `Annotator` throws for the object; `.notFound` for a key it does not define; `.verifier`;
  ///   `.unsupported` for an engine that the kernel lacks, and for programs a template cannot describe; `.permission`, `.kernel`.
  func load(
    _ path: FilePath, collection: String, settings: [(keys: Glob, value: Bool)], values: [InitialValue] = [],
    engine: EngineChoice, inheritance: Inheritance = .nothing
  ) throws(StaticKeysError) -> LoadedObject {
    let keys = try Self.open(path).keys
    let initial = InitialValues(values, keys: keys, collection: collection)
    return try engine.load { form throws(StaticKeysError) in
      try located(at: Place(file: path.string)) { () throws(StaticKeysError) in
        let wanted = try KeyValues(settings, among: keys, inheriting: inheritance, besides: initial.namedKeys)
        let captured = try capture(
          path, name: collection, wanted: wanted, initial: initial, form: form, sharing: inheritance.maps)
        return try finish(captured, keys: keys, collection: collection, form: form)
      }
    }
  }

  /// Loads all programs of an object, and takes their templates.
  ///
  /// - Parameters:
  ///   - name: the object's name for libbpf, of which it makes names of maps.
  ///   - wanted: the value of each key; others get their default.
  ///   - initial: values that come after these.
  ///   - sharing: the maps that are there already.
  /// - Throws: as `load`.
  func capture(
    _ path: FilePath, name: String, wanted: KeyValues = [:], initial: InitialValues? = nil, form: SiteForm,
    sharing: MapSharing? = nil
  ) throws(StaticKeysError) -> CapturedObject {
    let object = try Self.open(path)
    let image = try Annotator.annotatedImage(of: path)
    let capture = TemplateCapture(system: system, license: object.license ?? "", form: form)
    capture.wanted.keys = wanted
    let loaded = ProgramHandlers.oneAtATime.withLock { _ in
      Result { () throws(StaticKeysError) in
        try load(image, name: name, file: path.string, initial: initial, through: capture, sharing: sharing)
      }
    }
    let (programs, maps) = try loaded.get()
    return CapturedObject(
      programs: try programs.map { program throws(StaticKeysError) in
        guard let captured = capture.programs[program.name] else {
          throw StaticKeysError(
            .kernel, "libbpf loaded it without calling its handler", at: Place(program: program.name))
        }
        return CapturedObject.Program(
          name: program.name, section: program.section, fd: program.fd, captured: captured,
          first: capture.firstValues(of: captured.template))
      }, maps: maps)
  }

  /// Opens an object that this machine can load.
  static func open(_ path: FilePath) throws(StaticKeysError) -> ObjectFile {
    let object: ObjectFile
    do throws(StaticKeysError) {
      object = try ObjectFile(path: path)
    } catch  where error.code == .notBPFObject && TemplateFile.isTemplate(path) {
      throw StaticKeysError(
        .unsupported, "it is a template, where an object is needed", at: Place(file: path.string),
        advice: "give the object that it was built of")
    } catch {
      throw error
    }
    guard object.byteOrder == .host else {
      throw StaticKeysError(
        .notBPFObject, "it is for machines of the other byte order", at: Place(file: path.string),
        advice: "compile it with clang --target=bpf on this machine")
    }
    return object
  }

  private typealias Loaded = (programs: [(name: String, section: String, fd: SharedFD)], maps: [LoadedMap])

  private func load(
    _ image: [UInt8], name: String, file: String, initial: InitialValues?, through capture: TemplateCapture,
    sharing: MapSharing?
  ) throws(StaticKeysError) -> Loaded {
    let survey = try OpenObject(image: image, name: name, file: file)
    let cookie = Int(bitPattern: Unmanaged.passUnretained(capture).toOpaque())
    return try ProgramHandlers.register(for: survey, prepare: TemplateCapture.hook, cookie: cookie) {
      () throws(StaticKeysError) in
      try loadRegistered(image, name: name, file: file, initial: initial, through: capture, sharing: sharing)
    }
  }

  private func loadRegistered(
    _ image: [UInt8], name: String, file: String, initial: InitialValues?, through capture: TemplateCapture,
    sharing: MapSharing?
  ) throws(StaticKeysError) -> Loaded {
    let object = try OpenObject(image: image, name: name, file: file)
    capture.object = object.raw
    defer { capture.object = nil }
    let shared = try sharing?.share(with: object) ?? []
    if let first = try initial?.apply(to: object) {
      capture.wanted.keys.merge(first.keys) { $1 }
      capture.wanted.immediates = first.immediates
    }
    let log = VerifierLogBuffer()
    try object.forEachProgram { program throws(StaticKeysError) in
      bpf_program__set_log_buf(program.raw, log.start, log.size)
      try program.setAttachTarget()
    }
    var count = 0
    object.forEachProgram { _ in count += 1 }
    capture.counter = ProgressCounter(.loading, of: count, on: system)
    let (status, warnings) = LibbpfMessages.collect { bpf_object__load(object.raw) }
    guard status == 0 else {
      throw failure(Errno(rawValue: -status), capture: capture, log: log.text, warnings: warnings, object: object)
    }
    capture.counter?.reach(count)
    var result: Loaded = ([], [])
    try object.forEachProgram { program throws(StaticKeysError) in
      result.programs.append((program.name, program.section, try SharedFD.duplicate(program.fd)))
    }
    try object.forEachMap { name, fd throws(StaticKeysError) in
      result.maps.append(LoadedMap(name: name, fd: try SharedFD.duplicate(fd), isShared: shared.contains(name)))
    }
    return result
  }

  private func failure(
    _ errno: Errno, capture: TemplateCapture, log: String, warnings: [String], object: borrowing OpenObject
  ) -> StaticKeysError {
    if let failure = capture.failure { return failure }
    let place = Place(program: capture.current)
    guard let program = capture.current, let captured = capture.programs[program],
      VerifierLog(log).summary != nil, let raw = bpf_object__btf(object.raw)
    else {
      let detail = warnings.last.map { ": \($0)" } ?? ""
      return .kernel(
        errno, "cannot load it\(detail)", at: place, needs: [.bpf, .netAdmin, .perfmon],
        advice: warnings.isEmpty ? nil : "libbpf: \(warnings.joined(separator: "; "))")
    }
    let btf = BTFObject(borrowing: raw)
    let lines = LineTable(captured.template.lineInfo) { btf.string(at: $0) }
    return LoadFailure(errno: errno, log: log).explained(lines: lines, place: place)
  }

  private func finish(
    _ object: CapturedObject, keys: [StaticKey], collection: String, form: SiteForm
  ) throws(StaticKeysError) -> LoadedObject {
    let store = InstanceStore(system: system)
    let programs = try object.programs.map { program throws(StaticKeysError) in
      let template = program.captured.template
      let instance = ProgramInstance(
        collection: collection, mapIDs: program.captured.mapIDs, values: program.first.keys,
        immediates: program.first.immediates, form: form)
      let maps = [try store.createMap(for: template), try store.createMap(for: instance, program: program.name)]
      try store.bind(maps, to: program.fd, named: program.name)
      return try OpenProgram(
        program.fd, section: program.section, template: template, instance: instance, system: system)
    }
    return LoadedObject(programs: programs, maps: object.maps, keys: keys)
  }
}

/// What libbpf made of an object, with the template of each program.
struct CapturedObject: Sendable {
  let programs: [Program]
  let maps: [LoadedMap]

  struct Program: Sendable {
    let name: String
    let section: String
    let fd: SharedFD
    let captured: CapturedProgram
    /// The values with which it was loaded.
    let first: (keys: KeyValues, immediates: ImmediateValues)
  }
}

extension OpenProgram {
  init(
    _ fd: SharedFD, section: String, template: ProgramTemplate, instance: ProgramInstance, system: BPFSystem
  ) throws(StaticKeysError) {
    do throws(Errno) {
      let id = try system.rawInfo(ofProgram: fd).id
      self.init(
        program: LoadedProgram(
          name: template.name, section: section, id: id, template: template, instance: instance),
        fd: fd)
    } catch {
      throw .kernel(error, "cannot read the new program", at: Place(program: template.name))
    }
  }
}

extension KeyValues {
  /// The values that settings give to keys: patterns in order, later ones win; others are inherited.
  ///
  /// - Parameter named: keys that get a value in another way.
  /// - Throws: `.notFound` for a pattern that matches none of the keys; `.ambiguous` for a key that is to inherit a value
  ///   where there is no one value.
  init(
    _ settings: [(keys: Glob, value: Bool)], among keys: [StaticKey], inheriting inheritance: Inheritance = .nothing,
    besides named: Set<KeyName> = []
  ) throws(StaticKeysError) {
    self = inheritance.values(of: keys.map(\.name))
    for setting in settings {
      let found = keys.filter { setting.keys.matches($0.name.rawValue) }
      guard !found.isEmpty else {
        throw StaticKeysError(
          .notFound, "the object defines no key '\(setting.keys)'",
          advice: keys.isEmpty ? nil : "it defines \(keys.map(\.name.rawValue).joined(separator: ", "))")
      }
      for key in found { self[key.name] = setting.value }
    }
    try inheritance.requireValues(of: keys.map(\.name).filter { !named.contains($0) }, besides: self)
  }
}
