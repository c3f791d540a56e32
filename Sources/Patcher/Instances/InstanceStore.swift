// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// The maps in which a program carries its template and instance, tied to it with BPF_PROG_BIND_MAP.
struct InstanceStore: Sendable {
  let system: BPFSystem

  static let templateMapName = "skey_template"
  static let instanceMapName = "skey_instance"
  /// The longest value that the kernel lets user space write (`KMALLOC_MAX_SIZE`).
  private static let longestValue = 4 << 20

  /// A frozen map with a template. Requires Linux 5.2.
  func createMap(for template: ProgramTemplate) throws(StaticKeysError) -> SharedFD {
    let bytes = template.encoded()
    guard bytes.count <= Self.longestValue else {
      throw StaticKeysError(
        .unsupported, "the template takes \(bytes.count) bytes, the kernel's maps hold \(Self.longestValue)",
        at: Place(program: template.name))
    }
    return try create(Self.templateMapName, bytes, program: template.name)
  }

  /// A frozen map with an instance. Requires Linux 5.2.
  func createMap(for instance: ProgramInstance, program: String) throws(StaticKeysError) -> SharedFD {
    try create(Self.instanceMapName, instance.encoded(), program: program)
  }

  private func create(_ name: String, _ bytes: [UInt8], program: String) throws(StaticKeysError) -> SharedFD {
    do throws(Errno) {
      return try system.createFrozenMap(name: name, value: bytes)
    } catch {
      throw .kernel(error, "cannot create the map \(name)", at: Place(program: program))
    }
  }

  /// Ties maps to a program for as long as it lives, the instance last: without it a program is still being made.
  ///
  /// Requires Linux 5.10.
  func bind(_ maps: [SharedFD], to program: SharedFD, named name: String) throws(StaticKeysError) {
    for map in maps {
      do throws(Errno) {
        try system.bind(map: map, toProgram: program)
      } catch {
        let old = error == .invalidArgument ? "BPF_PROG_BIND_MAP came with Linux 5.10" : nil
        throw .kernel(error, "cannot tie a map to the program", at: Place(program: name), advice: old)
      }
    }
  }

  /// The bytes of a map if it has this name and the shape that such maps have; nil if it has another name.
  func bytes(ofMap map: SharedFD, info: bpf_map_info) throws(StaticKeysError) -> [UInt8] {
    guard info.type == BPF_MAP_TYPE_ARRAY.rawValue, info.key_size == 4, info.max_entries == 1,
      info.value_size <= Self.longestValue
    else { throw StaticKeysError(.corruptedTemplate, "the map \(text(in: info.name)) has another shape") }
    do throws(Errno) {
      return try system.firstValue(ofMap: map, size: Int(info.value_size))
    } catch {
      throw .kernel(error, "cannot read the map \(text(in: info.name))")
    }
  }
}
