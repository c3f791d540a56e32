// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

extension BTFObject {
  /// A `BTF_KIND_DECL_TAG`: a text that somebody attached to a declaration.
  public struct DeclTag: Hashable, Sendable {
    /// The tag's own type id.
    public let id: UInt32
    /// The type that it is attached to.
    public let target: UInt32
    /// Which member or parameter of the target; -1 is the target itself.
    public let component: Int32
    /// The tag's text.
    public let text: String
  }

  /// The string at this byte of the string section; nil if it lies outside.
  public borrowing func string(at offset: UInt32) -> String? {
    btf__str_by_offset(raw, offset).map { String(cString: $0) }
  }

  /// The name of a FUNC; nil if the id is out of range or that of another kind.
  public borrowing func functionName(_ id: UInt32) -> String? {
    guard let type = type(id), Int(btf_kind(type)) == BTFKind.function else { return nil }
    return string(at: type.pointee.name_off)
  }

  /// The ids of all FUNCs, by name. Static functions may share one.
  public borrowing func functions() -> [String: [UInt32]] {
    var found: [String: [UInt32]] = [:]
    for id in 1..<max(typeCount, 1) {
      if let name = functionName(id) { found[name, default: []].append(id) }
    }
    return found
  }

  /// All decl tags, in the order of their ids.
  ///
  /// Throws `.malformed` for one without a text or whose target does not exist. Kernels before 5.16 have none.
  public borrowing func declTags() throws(StaticKeysError) -> [DeclTag] {
    var tags: [DeclTag] = []
    for id in 1..<max(typeCount, 1) {
      guard let type = type(id), Int(btf_kind(type)) == BTFKind.declTag else { continue }
      guard let text = string(at: type.pointee.name_off), self.type(type.pointee.type) != nil else {
        throw StaticKeysError(
          .malformed, "decl tag \(id) has no text, or its target does not exist", at: Place(section: Self.section))
      }
      // SAFETY: libbpf checked that the tag's trailing word lies within the data.
      tags.append(
        DeclTag(
          id: id, target: type.pointee.type, component: btf_decl_tag(type).pointee.component_idx, text: text))
    }
    return tags
  }

  /// The decl tags on one type. Throws what `declTags()` does.
  public borrowing func declTags(on id: UInt32) throws(StaticKeysError) -> [DeclTag] {
    try declTags().filter { $0.target == id }
  }

  /// The type with this id; nil if there is none.
  borrowing func type(_ id: UInt32) -> UnsafePointer<btf_type>? {
    id > 0 && id < typeCount ? btf__type_by_id(raw, id) : nil
  }
}

/// The kinds that the project reads (`BTF_KIND_*`, include/uapi/linux/btf.h).
enum BTFKind {
  static let integer = 1
  static let pointer = 2
  static let array = 3
  static let structure = 4
  static let union = 5
  static let enumeration = 6
  static let typedef = 8
  static let volatile = 9
  static let const = 10
  static let restrict = 11
  static let function = 12
  static let variable = 14
  static let dataSection = 15
  static let float = 16
  static let declTag = 17
  static let typeTag = 18
  static let enumeration64 = 19
}
