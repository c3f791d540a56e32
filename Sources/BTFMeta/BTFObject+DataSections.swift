// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// A section of global variables, as BTF describes it (`BTF_KIND_DATASEC`).
public struct DataSection: Sendable {
  /// Such as ".rodata" or ".data.config".
  public let name: String
  /// The variables, in the order of BTF.
  public let variables: [Variable]

  /// A global or static variable.
  public struct Variable: Sendable {
    /// In C; a function's own static variable has the function's name before it: "function.variable".
    public let name: String
    /// In bytes from the start of the section.
    public let offset: Int
    /// Its type; opaque where BTF contradicts itself about it.
    public let type: ValueType
    /// Whether it is declared `const`.
    public let isConst: Bool
    /// Whether it is declared `volatile`: then the compiler leaves its value to whoever loads it.
    public let isVolatile: Bool
  }
}

extension BTFObject {
  /// The section that a type id stands for; nil if it is no section.
  public borrowing func dataSection(_ id: UInt32) -> DataSection? {
    guard let type = type(id), Int(btf_kind(type)) == BTFKind.dataSection, let name = string(at: type.pointee.name_off)
    else { return nil }
    var types = ValueTypeReader()
    var variables: [DataSection.Variable] = []
    for entry in records(of: type, as: btf_var_secinfo.self) {
      guard let variable = self.type(entry.type), Int(btf_kind(variable)) == BTFKind.variable,
        let name = string(at: variable.pointee.name_off), name.isPrintable, !name.isEmpty
      else { continue }
      let size = Int(entry.size)
      let read = types.type(variable.pointee.type, in: self)
      variables.append(
        DataSection.Variable(
          name: name, offset: Int(entry.offset),
          type: read.size == size ? read : ValueType(name: read.name, size: size, shape: .opaque),
          isConst: isQualified(variable.pointee.type, by: BTFKind.const),
          isVolatile: isQualified(variable.pointee.type, by: BTFKind.volatile)))
    }
    return DataSection(name: name, variables: variables)
  }

  /// The section of this name; nil if there is none.
  public borrowing func dataSection(named name: String) -> DataSection? {
    for id in 1..<max(typeCount, 1) {
      guard let type = type(id), Int(btf_kind(type)) == BTFKind.dataSection else { continue }
      if string(at: type.pointee.name_off) == name { return dataSection(id) }
    }
    return nil
  }

  /// Whether a qualifier is among those of a type, or of an array's elements: C puts them there.
  private borrowing func isQualified(_ id: UInt32, by qualifier: Int) -> Bool {
    var id = id
    for _ in 0..<ValueTypeReader.deepest {
      guard let type = type(id) else { return false }
      let kind = Int(btf_kind(type))
      if kind == qualifier { return true }
      switch kind {
      case BTFKind.const, BTFKind.volatile, BTFKind.typedef, BTFKind.typeTag, BTFKind.restrict: id = type.pointee.type
      case BTFKind.array: id = btf_array(type).pointee.type
      default: return false
      }
    }
    return false
  }

  /// The records that follow a type, as many as it says.
  borrowing func records<Record>(of type: UnsafePointer<btf_type>, as _: Record.Type) -> [Record] {
    // SAFETY: libbpf checked, when it took the data, that all of a type's records lie within them.
    let count = Int(type.pointee.info & 0xffff)
    return UnsafeRawPointer(type + 1).withMemoryRebound(to: Record.self, capacity: count) {
      Array(UnsafeBufferPointer(start: $0, count: count))
    }
  }
}
