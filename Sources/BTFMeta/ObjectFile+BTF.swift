// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension ObjectFile {
  /// The object's type information; throws `.noBTF` if it has none, `.malformed` if libbpf refuses it.
  public borrowing func btf() throws(StaticKeysError) -> BTFObject {
    let section = try btfSection()
    return try located(at: Place(file: name)) { () throws(StaticKeysError) in
      guard let bytes = handle.rawBytes(section: section.index) else {
        throw StaticKeysError(.malformed, "the section is not readable", at: Place(section: section.name))
      }
      return try BTFObject(bytes: bytes)
    }
  }

  borrowing func btfSection() throws(StaticKeysError) -> ObjectSection {
    guard let section = sections.first(where: { $0.name == BTFObject.section && !$0.isNoBits && $0.size > 0 }) else {
      throw StaticKeysError(.noBTF, "no BTF type information", at: Place(file: name), advice: "compile it with -g")
    }
    return section
  }

  /// The FUNC of each of these functions, which hold sites.
  ///
  /// Throws `.ambiguous` if a FUNC could stand for two bodies, and `.malformed` if a function has no FUNC.
  borrowing func types(
    of sites: Set<ObjectFunction>, in btf: borrowing BTFObject
  ) throws(StaticKeysError) -> [ObjectFunction: UInt32] {
    let known = btf.functions()
    let bodies = Dictionary(grouping: functions, by: \.name)
    var types: [ObjectFunction: UInt32] = [:]
    for function in sites.sorted(by: ObjectFunction.precedes) {
      let place = Place(file: name, section: function.section, byte: function.start, function: function.name)
      // The static linker merges the FUNCs of static functions that have one name and one prototype.
      if let other = bodies[function.name]?.first(where: { $0 != function }) {
        throw StaticKeysError(
          .ambiguous,
          "another function of this name is in section \(other.section) at byte \(other.start), "
            + "and BTF cannot tell which of them a site is in",
          at: place, advice: "rename one of the two")
      }
      guard let ids = known[function.name], let id = ids.first else {
        throw StaticKeysError(
          .malformed, "the function has a site, but BTF does not describe the function", at: place,
          advice: "compile all parts of the object with -g")
      }
      guard ids.count == 1 else {
        throw StaticKeysError(
          .ambiguous, "BTF describes \(ids.count) functions of this name", at: place,
          advice: "rename all but one of them")
      }
      types[function] = id
    }
    return types
  }
}
