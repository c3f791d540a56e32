// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The running kernel's own type information, in which its features and command numbers can be looked up by name.
///
/// The C function is `btf__load_vmlinux_btf`; it needs /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF).
struct KernelBTF: ~Copyable {
  private let raw: OpaquePointer

  init() throws(Errno) {
    guard let raw = btf__load_vmlinux_btf() else { throw Errno(rawValue: errno) }
    self.raw = raw
  }

  deinit { btf__free(raw) }

  func hasStructure(_ name: String) -> Bool { btf__find_by_name_kind(raw, name, UInt32(BTF_KIND_STRUCT)) > 0 }

  /// A structure's size and the byte at which each of its named members starts; nil where the kernel has none.
  func structure(_ name: String) -> (size: Int, members: [String: Int])? {
    let id = btf__find_by_name_kind(raw, name, UInt32(BTF_KIND_STRUCT))
    guard id > 0, let type = btf__type_by_id(raw, UInt32(id)) else { return nil }
    // `struct btf_member` records follow their type; with bit fields an offset's top byte is a size.
    let count = Int(type.pointee.info & 0xffff)
    let members = UnsafeRawPointer(type + 1).withMemoryRebound(to: btf_member.self, capacity: count) { records in
      UnsafeBufferPointer(start: records, count: count).compactMap { member in
        btf__name_by_offset(raw, member.name_off).map { (String(cString: $0), Int(member.offset & 0xffffff) / 8) }
      }
    }
    return (Int(type.pointee.size), Dictionary(members, uniquingKeysWith: { first, _ in first }))
  }

  /// The value of an enumerator such as `BPF_PROG_LOAD` of `bpf_cmd`; nil where the kernel has none of that name.
  func enumerator(_ name: String, of enumeration: String) -> UInt32? {
    let id = btf__find_by_name_kind(raw, enumeration, UInt32(BTF_KIND_ENUM))
    guard id > 0, let type = btf__type_by_id(raw, UInt32(id)) else { return nil }
    // `struct btf_enum` records follow their type, as many as the low bits of its info say.
    let count = Int(type.pointee.info & 0xffff)
    return UnsafeRawPointer(type + 1).withMemoryRebound(to: btf_enum.self, capacity: count) { members in
      UnsafeBufferPointer(start: members, count: count).first { member in
        btf__name_by_offset(raw, member.name_off).map { String(cString: $0) == name } ?? false
      }.map { UInt32(bitPattern: $0.val) }
    }
  }
}

extension BPFSystem {
  /// Loads BTF of one function that has a declaration tag, and lets it go. Requires Linux 5.16.
  func tryTaggedBTF() throws(Errno) {
    guard let btf = btf__new_empty() else { throw Errno(rawValue: errno) }
    defer { btf__free(btf) }
    let integer = btf__add_int(btf, "int", 4, Int32(BTF_INT_SIGNED))
    let prototype = btf__add_func_proto(btf, integer)
    let function = btf__add_func(btf, "skey_probe", BTF_FUNC_GLOBAL, prototype)
    guard function > 0, btf__add_decl_tag(btf, "static_branch", function, -1) > 0 else { throw .invalidArgument }
    _ = try call(.btfLoad) { LibbpfMessages.collect { btf__load_into_kernel(btf) }.result }
  }
}
