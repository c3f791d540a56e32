// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// What a template file holds.
struct TemplateView: Encodable {
  let file: String
  let size: Int
  let object: String
  let byteOrder: String
  let binding: OrNull<Binding>
  let programs: [Program]
  let maps: [Map]
  let keys: [Key]

  struct Binding: Encodable {
    let kernel: String
    let types: String
    let reasons: [String]
  }

  struct Program: Encodable {
    let name: String
    let section: String
    let instructions: Int
    let sites: Int
    let maps: [String]
  }

  struct Map: Encodable {
    let name: String
    let type: String
    let keySize: UInt32
    let valueSize: UInt32
    let maxEntries: UInt32
    let content: Int
    let frozen: Bool
  }

  struct Key: Encodable {
    let key: String
    let `default`: Bool
  }

  init(_ template: CollectionTemplate, file: String, size: Int) {
    self.file = file
    self.size = size
    object = template.object
    byteOrder = template.byteOrder == .little ? "little" : "big"
    binding = OrNull(
      template.binding.map { binding in
        let hex = String(binding.kernel.typesHash, radix: 16)
        return Binding(
          kernel: binding.kernel.release, types: String(repeating: "0", count: 16 - hex.count) + hex,
          reasons: binding.reasons)
      })
    programs = template.programs.map { program in
      Program(
        name: program.template.name, section: program.section, instructions: program.template.instructions.count,
        sites: program.template.sites.count,
        maps: Set(program.slots + program.tied).sorted().map { template.maps[$0].name })
    }
    maps = template.maps.map { map in
      Map(
        name: map.name,
        type: libbpf_bpf_map_type_str(bpf_map_type(map.type)).map { String(cString: $0) } ?? "type \(map.type)",
        keySize: map.keySize, valueSize: map.valueSize, maxEntries: map.maxEntries, content: map.content.count,
        frozen: map.isFrozen)
    }
    keys = template.keys.map { Key(key: $0.name.rawValue, default: $0.defaultValue) }
  }

  var lines: [String] {
    let head =
      "\(file): \(object), \(counted(size, "byte")), \(counted(programs.count, "program")), "
      + "\(counted(maps.count, "map")), \(counted(keys.count, "key"))"
    let bound =
      binding.value.map { "  for kernel \($0.kernel) alone (types \($0.types)): \($0.reasons.joined(separator: ", "))" }
      ?? "  for any kernel that takes its programs"
    return [head, bound]
      + programs.map {
        "  program \($0.name) (\($0.section), \(counted($0.instructions, "instruction")), \(counted($0.sites, "site")))"
      }
      + maps.map {
        "  map \($0.name) (\($0.type), \(counted(Int($0.maxEntries), "entry", "entries")) of \($0.keySize) and "
          + "\(counted(Int($0.valueSize), "byte"))\($0.frozen ? ", frozen" : ""))"
      }
      + keys.map { "  key \($0.key): \($0.default ? "on" : "off")" }
  }
}
