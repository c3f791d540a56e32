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
}

/// Loads BPF objects through libbpf and ties to each program what it takes to load it again.
///
/// Requires Linux 5.10 and what BPF_PROG_LOAD and BPF_MAP_CREATE need: CAP_BPF and, by program type, CAP_NET_ADMIN or
/// CAP_PERFMON.
struct ObjectLoader: Sendable {
  let system: BPFSystem

  /// Loads all programs of an object that are not marked `SEC("?…")`.
  ///
  /// - Parameter settings: the value of each key matched, in order; others get their default.
  /// - Throws: what `Annotator` throws for the object; `.notFound` for a key it does not define; `.verifier`;
  ///   `.unsupported` for programs a template cannot describe; `.permission`, `.kernel`.
  func load(
    _ path: FilePath, collection: String, settings: [(keys: Glob, value: Bool)], form: SiteForm
  ) throws(StaticKeysError) -> LoadedObject {
    let object = try ObjectFile(path: path)
    guard object.byteOrder == .host else {
      throw StaticKeysError(
        .notBPFObject, "it is for machines of the other byte order", at: Place(file: path.string),
        advice: "compile it with clang --target=bpf on this machine")
    }
    let wanted = try Self.values(settings, for: object, path: path)
    let image = try Annotator.annotatedImage(of: path)
    let capture = TemplateCapture(system: system, license: object.license ?? "", wanted: wanted, form: form)
    return try located(at: Place(file: path.string)) { () throws(StaticKeysError) in
      let loaded = ProgramHandlers.oneAtATime.withLock { _ in
        Result { () throws(StaticKeysError) in
          try load(image, name: collection, file: path.string, through: capture)
        }
      }
      return try finish(loaded.get(), capture: capture, collection: collection, wanted: wanted, form: form)
    }
  }

  private static func values(
    _ settings: [(keys: Glob, value: Bool)], for object: borrowing ObjectFile, path: FilePath
  ) throws(StaticKeysError) -> KeyValues {
    let keys = object.keys
    var values: KeyValues = [:]
    for setting in settings {
      let found = keys.filter { setting.keys.matches($0.name.rawValue) }
      guard !found.isEmpty else {
        throw StaticKeysError(
          .notFound, "the object defines no key '\(setting.keys)'", at: Place(file: path.string),
          advice: keys.isEmpty ? nil : "it defines \(keys.map(\.name.rawValue).joined(separator: ", "))")
      }
      for key in found { values[key.name] = setting.value }
    }
    return values
  }

  private struct Loaded {
    var programs: [(name: String, section: String, fd: SharedFD)] = []
    var maps: [LoadedMap] = []
  }

  private func load(
    _ image: [UInt8], name: String, file: String, through capture: TemplateCapture
  ) throws(StaticKeysError) -> Loaded {
    let survey = try OpenObject(image: image, name: name, file: file)
    let cookie = Int(bitPattern: Unmanaged.passUnretained(capture).toOpaque())
    return try ProgramHandlers.register(for: survey, prepare: TemplateCapture.hook, cookie: cookie) {
      () throws(StaticKeysError) in try loadRegistered(image, name: name, file: file, through: capture)
    }
  }

  private func loadRegistered(
    _ image: [UInt8], name: String, file: String, through capture: TemplateCapture
  ) throws(StaticKeysError) -> Loaded {
    let object = try OpenObject(image: image, name: name, file: file)
    capture.object = object.raw
    defer { capture.object = nil }
    let log = VerifierLogBuffer()
    try object.forEachProgram { program throws(StaticKeysError) in
      bpf_program__set_log_buf(program.raw, log.start, log.size)
      try program.setAttachTarget()
    }
    let (status, warnings) = LibbpfMessages.collect { bpf_object__load(object.raw) }
    guard status == 0 else {
      throw failure(Errno(rawValue: -status), capture: capture, log: log.text, warnings: warnings, object: object)
    }
    var result = Loaded()
    try object.forEachProgram { program throws(StaticKeysError) in
      result.programs.append((program.name, program.section, try SharedFD.duplicate(program.fd)))
    }
    try object.forEachMap { name, fd throws(StaticKeysError) in
      result.maps.append(LoadedMap(name: name, fd: try SharedFD.duplicate(fd)))
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
    _ loaded: Loaded, capture: TemplateCapture, collection: String, wanted: KeyValues, form: SiteForm
  ) throws(StaticKeysError) -> LoadedObject {
    let store = InstanceStore(system: system)
    let programs = try loaded.programs.map { name, section, fd throws(StaticKeysError) in
      guard let captured = capture.programs[name] else {
        throw StaticKeysError(.kernel, "libbpf loaded it without calling its handler", at: Place(program: name))
      }
      let defaults = captured.template.defaults
      let instance = ProgramInstance(
        collection: collection, mapIDs: captured.mapIDs,
        values: defaults.merging(wanted.filter { defaults[$0.key] != nil }) { $1 }, form: form)
      let maps = [
        try store.createMap(for: captured.template), try store.createMap(for: instance, program: name),
      ]
      try store.bind(maps, to: fd, named: name)
      do throws(Errno) {
        let id = try system.rawInfo(ofProgram: fd).id
        return OpenProgram(
          program: LoadedProgram(
            name: name, section: section, id: id, template: captured.template, instance: instance),
          fd: fd)
      } catch {
        throw .kernel(error, "cannot read the new program", at: Place(program: name))
      }
    }
    return LoadedObject(programs: programs, maps: loaded.maps)
  }
}
