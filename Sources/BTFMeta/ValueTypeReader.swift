// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// Makes value types of BTF types, each once.
///
/// What is missing, contradictory, too deep or has no fixed size becomes opaque: it is shown as bytes and never set.
struct ValueTypeReader {
  /// How many types may lie in one another; the kernel takes 32.
  static let deepest = 32

  private var known: [UInt32: ValueType] = [:]

  /// The type with this id.
  mutating func type(_ id: UInt32, in btf: borrowing BTFObject, depth: Int = 0) -> ValueType {
    if let type = known[id] { return type }
    let type = read(id, in: btf, depth: depth)
    known[id] = type
    return type
  }

  private mutating func read(_ id: UInt32, in btf: borrowing BTFObject, depth: Int) -> ValueType {
    guard depth < Self.deepest, let type = btf.type(id) else { return Self.unknown }
    let name = btf.string(at: type.pointee.name_off).flatMap { $0.isPrintable ? $0 : nil } ?? ""
    let size = Int(type.pointee.size)
    switch Int(btf_kind(type)) {
    case BTFKind.const, BTFKind.volatile, BTFKind.restrict, BTFKind.typeTag:
      return self.type(type.pointee.type, in: btf, depth: depth + 1)
    case BTFKind.typedef: return named(name, self.type(type.pointee.type, in: btf, depth: depth + 1))
    case BTFKind.integer: return integer(name, size, type)
    case BTFKind.float: return ValueType(name: name, size: size, shape: .floating)
    case BTFKind.pointer: return pointer(to: type.pointee.type, in: btf)
    case BTFKind.enumeration, BTFKind.enumeration64: return enumeration(name, size, type, in: btf)
    case BTFKind.array: return array(type, in: btf, depth: depth)
    case BTFKind.structure, BTFKind.union: return structure(name, size, type, in: btf, depth: depth)
    default: return Self.unknown
    }
  }

  private static let unknown = ValueType(name: "?", size: 0, shape: .opaque)

  /// A typedef of an array keeps the element's name, since C would not show its dimensions otherwise.
  private func named(_ name: String, _ type: ValueType) -> ValueType {
    if case .array = type.shape { return type }
    return ValueType(name: name.isEmpty ? type.name : name, size: type.size, shape: type.shape)
  }

  private func integer(_ name: String, _ size: Int, _ type: UnsafePointer<btf_type>) -> ValueType {
    guard (1...16).contains(size), size & (size - 1) == 0 else {
      return ValueType(name: name, size: size, shape: .opaque)
    }
    let encoding = Int(btf_int_encoding(type))
    let shape: ValueType.Shape =
      encoding & Int(BTF_INT_BOOL) != 0
      ? .boolean
      : size == 1 && (name == "char" || encoding & Int(BTF_INT_CHAR) != 0)
        ? .character : .integer(isSigned: encoding & Int(BTF_INT_SIGNED) != 0)
    // <stdbool.h> is where most programs have the word from.
    return ValueType(name: name == "_Bool" ? "bool" : name, size: size, shape: shape)
  }

  private func pointer(to id: UInt32, in btf: borrowing BTFObject) -> ValueType {
    var target = id
    var name = ""
    for _ in 0..<Self.deepest where name.isEmpty {
      guard let type = btf.type(target) else { break }
      name = btf.string(at: type.pointee.name_off).flatMap { $0.isPrintable ? $0 : nil } ?? ""
      switch Int(btf_kind(type)) {
      case BTFKind.structure, BTFKind.union, BTFKind.integer: target = 0
      default: target = type.pointee.type
      }
    }
    return ValueType(name: "\(name.isEmpty ? "void" : name) *", size: 8, shape: .pointer)
  }

  private func enumeration(
    _ name: String, _ size: Int, _ type: UnsafePointer<btf_type>, in btf: borrowing BTFObject
  ) -> ValueType {
    let name = name.isEmpty ? "enum" : "enum \(name)"
    guard [1, 2, 4, 8].contains(size) else { return ValueType(name: name, size: size, shape: .opaque) }
    let is64 = Int(btf_kind(type)) == BTFKind.enumeration64
    let saysSigned = btf_kflag(type)
    var members: [ValueType.Enumerator] = []
    var hasNegative = false
    func add(_ offset: UInt32, _ bits: UInt64) {
      guard let name = btf.string(at: offset), name.isPrintable, !name.isEmpty else { return }
      members.append(.init(name: name, bits: bits))
    }
    if is64 {
      for member in btf.records(of: type, as: btf_enum64.self) {
        add(member.name_off, UInt64(member.val_hi32) << 32 | UInt64(member.val_lo32))
      }
    } else {
      for member in btf.records(of: type, as: btf_enum.self) {
        hasNegative = hasNegative || member.val < 0
        add(
          member.name_off,
          saysSigned ? UInt64(bitPattern: Int64(member.val)) : UInt64(UInt32(bitPattern: member.val)))
      }
    }
    // Compilers before LLVM 16 say of no enum that it is signed.
    let isSigned = saysSigned || hasNegative && !is64
    if isSigned, !saysSigned {
      members = members.map {
        .init(name: $0.name, bits: UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: $0.bits))))
      }
    }
    return ValueType(name: name, size: size, shape: .enumeration(isSigned: isSigned, members))
  }

  private mutating func array(
    _ type: UnsafePointer<btf_type>, in btf: borrowing BTFObject, depth: Int
  ) -> ValueType {
    let array = btf_array(type).pointee
    let element = self.type(array.type, in: btf, depth: depth + 1)
    let (size, overflow) = element.size.multipliedReportingOverflow(by: Int(array.nelems))
    guard !overflow, size <= Int(UInt32.max) else { return ValueType(name: element.name, size: 0, shape: .opaque) }
    return ValueType(name: element.name, size: size, shape: .array(of: element, count: Int(array.nelems)))
  }

  private mutating func structure(
    _ name: String, _ size: Int, _ type: UnsafePointer<btf_type>, in btf: borrowing BTFObject, depth: Int
  ) -> ValueType {
    let keyword = Int(btf_kind(type)) == BTFKind.union ? "union" : "struct"
    let name = name.isEmpty ? keyword : "\(keyword) \(name)"
    let hasBitfields = btf_kflag(type)
    var members: [ValueType.Member] = []
    for record in btf.records(of: type, as: btf_member.self) {
      let memberName = btf.string(at: record.name_off).flatMap { $0.isPrintable ? $0 : nil } ?? ""
      var offset = Int(hasBitfields ? record.offset & 0xffffff : record.offset)
      var width = hasBitfields && record.offset >> 24 > 0 ? Int(record.offset >> 24) : nil
      let type = self.type(record.type, in: btf, depth: depth + 1)
      if width == nil, let old = Self.oldBitfield(record.type, in: btf) {
        width = old.width
        offset += old.offset
      }
      guard offset + (width ?? type.size * 8) <= size * 8, width == nil || type.isScalar, width ?? 0 <= 128,
        width != nil || offset % 8 == 0
      else { return ValueType(name: name, size: size, shape: .opaque) }
      members.append(.init(name: memberName, type: type, bitOffset: offset, bitWidth: width))
    }
    return ValueType(name: name, size: size, shape: .structure(members))
  }

  /// Compilers before LLVM 8 gave bitfields an integer type of their own, of fewer bits than its bytes have.
  private static func oldBitfield(_ id: UInt32, in btf: borrowing BTFObject) -> (width: Int, offset: Int)? {
    guard let type = btf.type(id), Int(btf_kind(type)) == BTFKind.integer else { return nil }
    let bits = Int(btf_int_bits(type))
    return bits > 0 && bits < Int(type.pointee.size) * 8 ? (bits, Int(btf_int_offset(type))) : nil
  }
}
