// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// Where a global variable lies in its section.
public struct DataVariable: Hashable, Sendable {
  /// In C.
  public let name: String
  /// In bytes from the section's start.
  public let offset: UInt32
  /// In bytes.
  public let size: UInt32
}

extension BTFObject {
  /// The variables of a DATASEC, by its type id; nil if the id is that of another kind.
  public borrowing func variables(ofSection id: UInt32) -> [DataVariable]? {
    guard let section = type(id), Int(btf_kind(section)) == BTFKind.dataSection else { return nil }
    // SAFETY: libbpf checked, when it took the data, that all of a type's records lie within them.
    let records = UnsafeRawPointer(section + 1).assumingMemoryBound(to: btf_var_secinfo.self)
    return (0..<Int(btf_vlen(section))).map { index in
      let record = records[index]
      let name = type(record.type).flatMap { string(at: $0.pointee.name_off) } ?? "?"
      return DataVariable(name: name, offset: record.offset, size: record.size)
    }
  }

  /// The variables of the section of this name; nil if there is none.
  public borrowing func variables(ofSection name: String) -> [DataVariable]? {
    for id in 1..<max(typeCount, 1) {
      guard let section = type(id), Int(btf_kind(section)) == BTFKind.dataSection,
        string(at: section.pointee.name_off) == name
      else { continue }
      return variables(ofSection: id)
    }
    return nil
  }
}
