// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

extension BTFObject {
  /// The kernel's functions and variables that an object refers to, which libbpf finds in the running kernel
  /// (`extern … __ksym`); nil if the object refers to none.
  public borrowing func kernelSymbols() -> [KernelSymbol]? {
    let id = btf__find_by_name_kind(raw, ".ksyms", Self.dataSectionKind)
    guard id > 0, let section = btf__type_by_id(raw, UInt32(id)) else { return nil }
    // SAFETY: libbpf checked, when it took the data, that all of a type's records lie within them.
    let count = Int(section.pointee.info & 0xffff)
    let entries = UnsafeRawPointer(section + 1).withMemoryRebound(to: btf_var_secinfo.self, capacity: count) {
      Array(UnsafeBufferPointer(start: $0, count: count))
    }
    return entries.compactMap { entry -> KernelSymbol? in
      guard entry.type > 0, entry.type < typeCount, let symbol = btf__type_by_id(raw, entry.type),
        let name = string(at: symbol.pointee.name_off)
      else { return nil }
      let isVariable = Int(btf_kind(symbol)) != BTFKind.function
      return KernelSymbol(name: name, hasType: !isVariable || btf__resolve_type(raw, symbol.pointee.type) > 0)
    }
  }

  /// `BTF_KIND_DATASEC`
  private static var dataSectionKind: UInt32 { 15 }

  /// A function or variable of the kernel's.
  public struct KernelSymbol: Hashable, Sendable {
    /// In C.
    public let name: String
    /// Whether it is declared with a type; libbpf puts the bare address of others into the program, which is another one
    /// after each boot.
    public let hasType: Bool
  }
}
