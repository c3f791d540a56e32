// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

/// A function of an object file, by its ELF symbol: a program or a subprogram.
public struct ObjectFunction: Hashable, Sendable {
  /// Its name in C.
  public let name: String
  /// The section that holds its code, such as "xdp" or ".text".
  public let section: String
  /// Where in that section it starts.
  public let start: ByteOffset
  /// How many bytes of code it has.
  public let byteCount: Int
  /// Whether other objects can call it; a `static` function is not global.
  public let isGlobal: Bool

  let sectionIndex: Int

  static func precedes(_ a: Self, _ b: Self) -> Bool {
    (a.sectionIndex, a.start, a.name) < (b.sectionIndex, b.start, b.name)
  }

  /// The first byte of the section after it; it was checked to lie within the section.
  var end: UInt64 { start.rawValue + UInt64(byteCount) }
}

extension ObjectFile {
  /// The functions, in the order of section and byte, each within its section.
  static func functions(
    _ symbols: [ObjectSymbol], _ sections: [ObjectSection]
  ) throws(StaticKeysError) -> [ObjectFunction] {
    var functions: [ObjectFunction] = []
    for symbol in symbols where symbol.type == STT_FUNC {
      guard let index = symbol.section else { continue }
      let section = sections[index - 1]
      let place = Place(section: section.name, byte: ByteOffset(symbol.value), function: symbol.name)
      guard section.isCode else {
        throw StaticKeysError(.malformed, "the function lies in a section that holds no code", at: place)
      }
      let (end, overflow) = symbol.value.addingReportingOverflow(symbol.size)
      guard !overflow, end <= section.size, let byteCount = Int(exactly: symbol.size) else {
        throw StaticKeysError(.malformed, "the function ends beyond its section", at: place)
      }
      functions.append(
        ObjectFunction(
          name: symbol.name, section: section.name, start: ByteOffset(symbol.value), byteCount: byteCount,
          isGlobal: symbol.isGlobal, sectionIndex: index))
    }
    return functions.sorted(by: ObjectFunction.precedes)
  }
}
