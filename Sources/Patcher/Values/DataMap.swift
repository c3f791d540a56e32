// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

/// The map of a section of variables (.rodata, .data, .bss and those with a suffix), as libbpf makes them.
struct DataMap: Sendable {
  let id: UInt32
  let shape: DataMapShape
  let kind: ValueKind
  let section: DataSection
  let bytes: [UInt8]

  /// What the section's variables are; nil if they are no business of ours, as in .kconfig.
  static func kind(ofSection name: String) -> ValueKind? {
    func isNamed(_ section: String) -> Bool { name == section || name.hasPrefix(section + ".") }
    if isNamed(".rodata") { return .constant }
    return isNamed(".data") || isNamed(".bss") ? .variable : nil
  }
}

/// All that it takes to make a map like another one.
struct DataMapShape: Hashable, Sendable {
  let name: String
  let valueSize: UInt32
  let flags: UInt32
  let extra: UInt64
  let btfID: UInt32
  let keyTypeID: UInt32
  let valueTypeID: UInt32

  /// The shape of a map of variables: an array of one value that BTF describes; nil for any other.
  init?(_ info: bpf_map_info) {
    guard info.type == BPF_MAP_TYPE_ARRAY.rawValue, info.key_size == 4, info.max_entries == 1, info.btf_id != 0,
      info.btf_value_type_id != 0
    else { return nil }
    name = text(in: info.name)
    valueSize = info.value_size
    flags = info.map_flags
    extra = info.map_extra
    btfID = info.btf_id
    keyTypeID = info.btf_key_type_id
    valueTypeID = info.btf_value_type_id
  }

  /// Whether it is a section that programs can only read. A section has no type for its key, as an author's own map has.
  var holdsConstants: Bool { keyTypeID == 0 && flags & UInt32(BPF_F_RDONLY_PROG) != 0 }

  /// Whether user space can see its memory.
  var isMappable: Bool { flags & UInt32(BPF_F_MMAPABLE) != 0 }
}

/// Reads the maps of variables, each once.
struct DataMapReader {
  let system: BPFSystem
  private var maps: [UInt32: DataMap?] = [:]
  private var sections: [UInt32: [UInt32: DataSection?]] = [:]

  init(system: BPFSystem) { self.system = system }

  /// The map of this id; nil if it is gone or holds no variables.
  mutating func map(_ id: UInt32) throws(StaticKeysError) -> DataMap? {
    if let known = maps[id] { return known }
    let map = try read(id)
    maps[id] = .some(map)
    return map
  }

  private mutating func read(_ id: UInt32) throws(StaticKeysError) -> DataMap? {
    do throws(Errno) {
      guard let fd = try system.object(.map, id: id), let shape = DataMapShape(try system.rawInfo(ofMap: fd)),
        let section = section(of: shape), let kind = DataMap.kind(ofSection: section.name)
      else { return nil }
      let bytes = try system.firstValue(ofMap: fd, size: Int(shape.valueSize))
      return DataMap(id: id, shape: shape, kind: kind, section: section, bytes: bytes)
    } catch {
      throw .kernel(error, "cannot read map \(id)", needs: [.sysAdmin])
    }
  }

  private mutating func section(of shape: DataMapShape) -> DataSection? {
    if let known = sections[shape.btfID]?[shape.valueTypeID] { return known }
    // BTF that is gone, or that libbpf cannot read, describes nothing.
    let section = (try? BTFObject(kernelID: shape.btfID))?.dataSection(shape.valueTypeID)
    sections[shape.btfID, default: [:]][shape.valueTypeID] = .some(section)
    return section
  }
}
