// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage

/// Loads a template's maps and programs, without the object that it was built of and without libbpf's objects.
///
/// Requires Linux 5.10 and what BPF_PROG_LOAD and BPF_MAP_CREATE need: CAP_BPF and, by program type, CAP_NET_ADMIN or
/// CAP_PERFMON.
struct TemplateLoader: Sendable {
  let system: BPFSystem
  let template: CollectionTemplate
  let collection: String
  let engine: EngineChoice
  let common: CommonParts

  /// Loads all programs, on new maps but for those in common.
  ///
  /// - Parameters:
  ///   - instance: the instance's name; nil if the template is loaded just once.
  ///   - settings: the value of each key matched, in order; others get their default.
  ///   - values: likewise for keys, constants and variables; they come after `settings`.
  ///   - counter: counts the programs.
  /// - Throws: `.notFound`, `.ambiguous` or `.badValue` for a value; `.usage` for one in a map that is shared;
  ///   `.unsupported` for an engine that the kernel lacks; `.verifier`, `.permission`, `.kernel`.
  func load(
    instance: String? = nil, settings: [(keys: Glob, value: Bool)], values: [InitialValue],
    counter: ProgressCounter? = nil
  ) throws(StaticKeysError) -> LoadedObject {
    try engine.load { form throws(StaticKeysError) in
      try load(instance: instance, settings: settings, values: values, form: form, counter: counter)
    }
  }

  private func load(
    instance: String?, settings: [(keys: Glob, value: Bool)], values: [InitialValue], form: SiteForm,
    counter: ProgressCounter?
  ) throws(StaticKeysError) -> LoadedObject {
    var templates = template.maps
    var wanted = (keys: try KeyValues(settings, among: template.keys), immediates: ImmediateValues())
    let first = try apply(InitialValues(values, keys: template.keys, collection: collection), to: &templates)
    wanted.keys.merge(first.keys) { $1 }
    wanted.immediates = first.immediates
    var maps: [SharedFD] = []
    var own: [LoadedMap] = []
    for (index, map) in templates.enumerated() {
      if let shared = common.maps[index] {
        maps.append(shared)
        continue
      }
      let name = map.name(in: collection)
      let fd = try CommonParts.create(map, named: name, btf: common.btf, system: system)
      maps.append(fd)
      own.append(LoadedMap(name: name, fd: fd, isShared: false))
    }
    let ids = try maps.map { map throws(StaticKeysError) in try CommonParts.id(of: map, system: system) }
    let programs = try template.programs.enumerated().map { index, program throws(StaticKeysError) in
      let first = program.template.firstValues(wanted: wanted)
      let instance = ProgramInstance(
        collection: collection, name: instance, mapIDs: program.slots.map { ids[$0] }, values: first.keys,
        immediates: first.immediates, form: form)
      defer { counter?.step() }
      return try load(program, as: instance, on: maps, templateMap: common.templates[index])
    }
    return LoadedObject(programs: programs, maps: own, keys: template.keys)
  }

  /// In bytes, of all sections.
  private static let mostVariables = 256 << 20

  private func apply(
    _ values: InitialValues, to maps: inout [MapTemplate]
  ) throws(StaticKeysError) -> (keys: KeyValues, immediates: ImmediateValues) {
    guard !values.isEmpty else { return ([:], [:]) }
    let sections = maps.enumerated().filter(\.element.isSection)
    // No author has more variables; a file that says so must not fill the memory.
    let size = sections.reduce(0) { $0 + Int($1.element.valueSize) }
    guard size <= Self.mostVariables else {
      throw StaticKeysError(
        .unsupported,
        "its variables take \(size >> 20) MiB; first values can be given to \(Self.mostVariables >> 20) MiB of them",
        advice: "load it without --set, and 'set' the values once it runs")
    }
    var contents = sections.map { index, map in
      InitialValues.Contents(
        of: index, valueType: map.valueType,
        bytes: map.content.isEmpty ? [UInt8](repeating: 0, count: Int(map.valueSize)) : map.content)
    }
    let first = try values.apply(to: &contents, describedBy: BTFObject(bytes: template.btf))
    for content in contents where content.isChanged {
      guard common.maps[content.map] == nil else {
        throw StaticKeysError(
          .usage, "'\(maps[content.map].name)' is shared: what it holds cannot be one instance's own",
          advice: "leave it out of --share-map, or 'set' it for all once they run")
      }
      maps[content.map].content = content.bytes
    }
    return first
  }

  private func load(
    _ program: CollectionTemplate.Program, as instance: ProgramInstance, on maps: [SharedFD], templateMap: SharedFD
  ) throws(StaticKeysError) -> OpenProgram {
    let template = program.template
    let fd = try maps.withDescriptors(program.slots) { descriptors throws(StaticKeysError) in
      let insns = try template.instructions(for: instance, mapFDs: descriptors)
      do throws(LoadFailure) {
        return try system.load(template, instructions: insns, btf: common.btf)
      } catch {
        throw error.explained(lines: common.lines(of: template), place: Place(program: template.name))
      }
    }
    let store = InstanceStore(system: system)
    let instanceMap = try store.createMap(for: instance, program: template.name)
    try store.bind(program.tied.map { maps[$0] } + [templateMap, instanceMap], to: fd, named: template.name)
    return try OpenProgram(fd, section: program.section, template: template, instance: instance, system: system)
  }
}

extension [SharedFD] {
  /// Gives `body` the numbers of those at `indexes`, and keeps them open until it is done.
  fileprivate func withDescriptors<R>(
    _ indexes: [Int], _ body: ([Int32]) throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(indexes.map { self[$0].withRaw { $0 } })
  }
}
