// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// Tells what type a record has by its first member: `RECORD_x` of `enum record_kind` stands for `struct x`.
struct RecordPrinter: ~Copyable {
  private static let prefix = "RECORD_"

  private let types: TypePrinter
  private let kinds: [UInt32: UInt32]

  init(btfID: UInt32) throws(StaticKeysError) {
    let types = try TypePrinter(btfID: btfID)
    let kinds = Self.kinds(in: types.btf)
    guard !kinds.isEmpty else {
      throw StaticKeysError(.notFound, "BTF object \(btfID) has no enum record_kind that names structs")
    }
    self.types = types
    self.kinds = kinds
  }

  /// BTF type ids by the value of the enumerator that stands for them.
  private static func kinds(in btf: OpaquePointer) -> [UInt32: UInt32] {
    let id = btf__find_by_name_kind(btf, "record_kind", UInt32(BTF_KIND_ENUM))
    guard id > 0, let type = btf__type_by_id(btf, UInt32(id)) else { return [:] }
    var kinds: [UInt32: UInt32] = [:]
    // The enumerators follow the type's own 12 bytes; the kernel has checked that they are all there.
    let enumerators = UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_enum.self)
    for index in 0..<Int(btf_vlen(type)) {
      guard let name = btf__name_by_offset(btf, enumerators[index].name_off).map({ String(cString: $0) }),
        name.hasPrefix(prefix)
      else { continue }
      let record = btf__find_by_name_kind(btf, String(name.dropFirst(prefix.count)), UInt32(BTF_KIND_STRUCT))
      if record > 0 { kinds[UInt32(bitPattern: enumerators[index].val)] = UInt32(record) }
    }
    return kinds
  }

  /// A record on one line.
  func text(of record: [UInt8]) throws(StaticKeysError) -> String {
    guard record.count >= MemoryLayout<UInt32>.size else {
      throw StaticKeysError(.malformed, "a record of \(record.count) bytes has no kind")
    }
    let kind = record.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    guard let type = kinds[kind] else {
      throw StaticKeysError(.malformed, "BTF names no struct for records of kind \(kind)")
    }
    return try types.text(of: type, record)
  }
}
