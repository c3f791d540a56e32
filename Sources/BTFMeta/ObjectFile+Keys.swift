// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

extension ObjectFile {
  /// The section that holds the keys, as static_key.bpf.h names it.
  public static let keySection = ".static_keys"

  /// The keys, by name. A key's first byte is its default: any but 0 is TRUE.
  static func keys(
    _ handle: borrowing ELFHandle, _ symbols: [ObjectSymbol], _ sections: [ObjectSection]
  ) throws(StaticKeysError) -> [StaticKey] {
    var defaults: [KeyName: Bool] = [:]
    for symbol in symbols where symbol.type == STT_OBJECT {
      guard let index = symbol.section, sections[index - 1].name == keySection else { continue }
      let section = sections[index - 1]
      let place = Place(section: keySection, byte: ByteOffset(symbol.value), key: symbol.name)
      guard let name = KeyName(symbol.name) else {
        throw StaticKeysError(
          .malformed, "the key's name is no C identifier", at: place, advice: "define it outside of functions")
      }
      guard symbol.value < section.size, symbol.size > 0, symbol.size <= section.size - symbol.value else {
        throw StaticKeysError(.malformed, "the key lies beyond its section", at: place)
      }
      let value = section.isNoBits ? [0] : handle.rawBytes(section: index, range: symbol.value..<symbol.value + 1)
      guard let first = value?.first else {
        throw StaticKeysError(.malformed, "the section is not readable: \(ELFHandle.lastError)", at: place)
      }
      guard defaults.updateValue(first != 0, forKey: name) == nil else {
        throw StaticKeysError(
          .ambiguous, "two keys have this name", at: place, advice: "a static key's name must be unique; rename one")
      }
    }
    return defaults.map { StaticKey(name: $0.key, defaultValue: $0.value) }.sorted { $0.name < $1.name }
  }
}
