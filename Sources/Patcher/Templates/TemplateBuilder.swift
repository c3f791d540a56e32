// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// Makes a template of an object: what `keyctl template build` does.
///
/// Requires what loading the object does: libbpf loads it once, for only so does it give away the relocated programs and
/// the adjusted maps. Nothing of that stays.
public struct TemplateBuilder: Sendable {
  private let system: BPFSystem

  /// Builds through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// The template of an object.
  ///
  /// - Throws: what loading the object does; `.unsupported` for a map or program that a template cannot describe.
  public func build(_ object: FilePath) throws(StaticKeysError) -> CollectionTemplate {
    let name = CollectionLoader.defaultName(of: object)
    return try located(at: Place(file: object.string)) { () throws(StaticKeysError) in
      guard CollectionStore.isValid(name: name) else {
        throw StaticKeysError(
          .usage, "'\(name)' cannot be a collection's name", advice: "give the file a name of letters, digits, _ and -")
      }
      let file = try ObjectLoader.open(object)
      let survey = try OpenObject(image: Annotator.annotatedImage(of: object), name: name, file: object.string)
      let definitions = try survey.mapDefinitions()
      let needsKernel = try Self.needs(of: file)
      let loaded = try ObjectLoader(system: system).capture(object, name: name, form: .pair)
      return try template(of: loaded, named: name, keys: file.keys, definitions: definitions, needs: needsKernel)
    }
  }

  /// What in an object libbpf resolves against the running kernel before it sees any program.
  private static func needs(of file: borrowing ObjectFile) throws(StaticKeysError) -> [String] {
    var needs: [String] = []
    if try file.hasKernelRelocations() { needs.append("CO-RE relocations") }
    if let symbols = try file.btf().kernelSymbols() {
      if let bare = symbols.first(where: { !$0.hasType }) {
        throw StaticKeysError(
          .unsupported, "it uses the bare address of the kernel's '\(bare.name)', which is another one after each boot",
          advice: "declare it with its type, or load the object itself")
      }
      needs.append("kernel symbols")
    }
    return needs
  }

  private func template(
    of loaded: CapturedObject, named name: String, keys: [StaticKey],
    definitions: [(name: String, map: MapTemplate)], needs: [String]
  ) throws(StaticKeysError) -> CollectionTemplate {
    var needs = needs
    var maps: [MapTemplate] = []
    var indexes: [UInt32: Int] = [:]
    for map in loaded.maps {
      guard let definition = definitions.first(where: { $0.name == map.name })?.map else {
        throw StaticKeysError(.malformed, "libbpf made a map '\(map.name)' that the object does not define")
      }
      let (template, id) = try completed(definition, by: map)
      if template.isSection, template.name.hasPrefix(".kconfig") { needs.append("the kernel's configuration") }
      indexes[id] = maps.count
      maps.append(template)
    }
    var programs: [CollectionTemplate.Program] = []
    var btf: [UInt8] = []
    for program in loaded.programs {
      let read = try located(at: Place(program: program.name)) { () throws(StaticKeysError) in
        try self.entry(for: program, maps: indexes)
      }
      if read.entry.template.attachBTFID != 0 { needs.append("a kernel function or type to attach to") }
      // All programs of an object share one.
      if btf.isEmpty { btf = try BTFObject(kernelID: read.btfID).bytes() }
      programs.append(read.entry)
    }
    var seen: Set<String> = []
    let reasons = needs.filter { seen.insert($0).inserted }
    let binding = reasons.isEmpty ? nil : KernelBinding(kernel: try .running(), reasons: reasons)
    let template = CollectionTemplate(
      object: name, keys: keys, btf: btf, maps: maps, programs: programs, binding: binding)
    try template.validate()
    return template
  }

  private func entry(
    for program: CapturedObject.Program, maps: [UInt32: Int]
  ) throws(StaticKeysError) -> (entry: CollectionTemplate.Program, btfID: UInt32) {
    do throws(Errno) {
      let slots = program.captured.mapIDs
      let tied = try system.mapIDs(ofProgram: program.fd).filter { !slots.contains($0) }
      let entry = CollectionTemplate.Program(
        section: program.section, template: program.captured.template, slots: slots.compactMap { maps[$0] },
        tied: tied.compactMap { maps[$0] }.sorted())
      return (entry, try system.rawInfo(ofProgram: program.fd).btf_id)
    } catch {
      throw .kernel(error, "cannot read the program", needs: [.sysAdmin])
    }
  }

  /// What a definition lacks: the content and the types that the kernel took.
  private func completed(
    _ definition: MapTemplate, by map: LoadedMap
  ) throws(StaticKeysError) -> (map: MapTemplate, id: UInt32) {
    var template = definition
    do throws(Errno) {
      let info = try system.rawInfo(ofMap: map.fd)
      template.keyType = info.btf_key_type_id
      template.valueType = info.btf_value_type_id
      if template.isSection {
        let content = try system.firstValue(ofMap: map.fd, size: Int(info.value_size))
        template.content = content.allSatisfy { $0 == 0 } ? [] : content
      } else if try hasEntries(map.fd, info) {
        throw Errno.notSupported
      }
      return (template, info.id)
    } catch .notSupported {
      throw StaticKeysError(
        .unsupported, "the map '\(map.name)' has programs or maps in it from the start",
        advice: "load the object itself")
    } catch {
      throw .kernel(error, "cannot read the map '\(map.name)'", needs: [.sysAdmin])
    }
  }

  /// Whether an object put programs or maps into a map, which a template cannot describe.
  private func hasEntries(_ map: SharedFD, _ info: bpf_map_info) throws(Errno) -> Bool {
    switch bpf_map_type(info.type) {
    // A look-up in an array of maps answers as one in a program array does: with an id.
    case BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS:
      try !system.programs(inArray: map, entries: info.max_entries).isEmpty
    case BPF_MAP_TYPE_HASH_OF_MAPS: try system.hasKeys(map, keySize: Int(info.key_size))
    default: false
    }
  }
}
