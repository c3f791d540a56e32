// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

extension OpenObject {
  /// The maps that the object defines, as libbpf is going to make them, by libbpf's name; without content and types.
  ///
  /// Asked before loading: afterwards libbpf has forgotten what inner maps are like and how it came by sizes.
  /// - Throws: `.unsupported` for a map that a template cannot describe, with the reason.
  func mapDefinitions() throws(StaticKeysError) -> [(name: String, map: MapTemplate)] {
    var found: [(name: String, map: MapTemplate)] = []
    var next = bpf_object__next_map(raw, nil)
    while let map = next {
      if bpf_map__autocreate(map) {
        let definition = try MapTemplate(of: map)
        found.append((String(cString: bpf_map__name(map)), definition))
      }
      next = bpf_object__next_map(raw, map)
    }
    return found
  }
}

extension MapTemplate {
  fileprivate init(of map: OpaquePointer) throws(StaticKeysError) {
    let name = String(cString: bpf_map__name(map))
    func refusal(_ reason: String) -> StaticKeysError {
      StaticKeysError(.unsupported, "the map '\(name)' \(reason)", advice: "load the object itself")
    }
    let isSection = bpf_map__is_internal(map)
    let type = bpf_map__type(map)
    guard type != BPF_MAP_TYPE_STRUCT_OPS else {
      throw refusal("is for struct_ops, which names types and members of this kernel in its content")
    }
    guard bpf_map__pin_path(map) == nil else {
      throw refusal("is pinned by its name, where it may be somebody else's: a template makes its maps itself")
    }
    guard !isSection || type == BPF_MAP_TYPE_ARRAY && bpf_map__max_entries(map) == 1 else {
      throw refusal("holds variables in a map of another type than an array")
    }
    // libbpf's name for ".rodata" is "OBJECT.rodata".
    let section = name[(name.firstIndex(of: ".") ?? name.startIndex)...]
    self.init(
      name: isSection ? String(section) : name, isSection: isSection, type: type.rawValue,
      keySize: bpf_map__key_size(map), valueSize: bpf_map__value_size(map), maxEntries: bpf_map__max_entries(map),
      flags: bpf_map__map_flags(map), numaNode: bpf_map__numa_node(map), extra: bpf_map__map_extra(map),
      keyType: bpf_map__btf_key_type_id(map), valueType: bpf_map__btf_value_type_id(map),
      isFrozen: isSection && bpf_map__map_flags(map) & UInt32(BPF_F_RDONLY_PROG) != 0)
    if Self.holdsMaps(type) {
      guard let inner = bpf_map__inner_map(map) else { throw refusal("does not say what the maps in it are like") }
      self.inner = [try MapTemplate(of: inner)]
    }
  }

  private static func holdsMaps(_ type: bpf_map_type) -> Bool {
    type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS
  }
}
