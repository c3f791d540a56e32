// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// What must be the same of two maps for one to stand for the other.
struct MapShape: Hashable, Sendable, CustomStringConvertible {
  let type: UInt32
  let keySize: UInt32
  let valueSize: UInt32
  let entries: UInt32
  let flags: UInt32
  /// The variables of a map that holds a section of them; nil where that is not known, or it holds none.
  let variables: [Variable]?

  /// Where a global variable lies in its section.
  struct Variable: Hashable, Sendable {
    let name: String
    let offset: Int
    let size: Int
  }

  /// A map that the kernel holds. Requires Linux 4.18 for the variables.
  init(of map: SharedFD, named name: String, system: BPFSystem) throws(StaticKeysError) {
    let info: bpf_map_info
    do throws(Errno) {
      info = try system.rawInfo(ofMap: map)
    } catch {
      throw .kernel(error, "cannot read the map '\(name)'")
    }
    type = info.type
    keySize = info.key_size
    valueSize = info.value_size
    entries = info.max_entries
    // The kernel adds one to maps of devices of its own accord.
    let isOfDevices = [BPF_MAP_TYPE_DEVMAP.rawValue, BPF_MAP_TYPE_DEVMAP_HASH.rawValue].contains(info.type)
    flags = isOfDevices ? info.map_flags & ~UInt32(BPF_F_RDONLY_PROG) : info.map_flags
    variables =
      info.btf_id == 0 ? nil : try BTFObject(kernelID: info.btf_id).dataSection(info.btf_value_type_id)?.layout
  }

  /// A map that a template describes, whose types are in `btf`.
  init(_ map: MapTemplate, in btf: borrowing BTFObject) {
    type = map.type
    keySize = map.keySize
    valueSize = map.valueSize
    entries = map.maxEntries
    flags = map.flags
    variables = map.isSection ? btf.dataSection(map.valueType)?.layout : nil
  }

  /// A map that an object defines, before it is created.
  init(_ map: ObjectMap, in object: borrowing OpenObject) {
    type = bpf_map__type(map.raw).rawValue
    keySize = bpf_map__key_size(map.raw)
    valueSize = bpf_map__value_size(map.raw)
    entries = bpf_map__max_entries(map.raw)
    flags = bpf_map__map_flags(map.raw)
    let btf = bpf_object__btf(object.raw).map { BTFObject(borrowing: $0) }
    variables = map.isInternal ? btf?.dataSection(named: map.title)?.layout : nil
  }

  /// Whether a map of the kernel's can be what an object or template defines as this.
  func isMet(by other: MapShape) -> Bool {
    guard type == other.type, keySize == other.keySize, valueSize == other.valueSize, flags == other.flags else {
      return false
    }
    // libbpf sizes per-CPU arrays of events by the machine where the object does not.
    return (entries == 0 || entries == other.entries) && variables == other.variables
  }

  var description: String {
    let type = libbpf_bpf_map_type_str(bpf_map_type(type)).map { String(cString: $0) } ?? "type \(self.type)"
    guard let variables else {
      return "\(type), key \(keySize), value \(valueSize), \(entries) entries"
        + (flags == 0 ? "" : ", flags 0x\(String(flags, radix: 16))")
    }
    return "\(valueSize) bytes: " + variables.map { "\($0.name) at \($0.offset)" }.joined(separator: ", ")
  }
}

extension DataSection {
  fileprivate var layout: [MapShape.Variable] {
    variables.map { MapShape.Variable(name: $0.name, offset: $0.offset, size: $0.type.size) }
  }
}
