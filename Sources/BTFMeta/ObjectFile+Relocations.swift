// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension ObjectFile {
  /// Whether the object has CO-RE relocations: offsets that libbpf adjusts to the running kernel's types.
  ///
  /// libbpf tells nobody, so this reads the header of `.BTF.ext` (`struct btf_ext_header`), which has their length last.
  public borrowing func hasKernelRelocations() throws(StaticKeysError) -> Bool {
    guard let section = sections.first(where: { $0.name == ".BTF.ext" && !$0.isNoBits }) else { return false }
    let place = Place(file: name, section: section.name)
    guard let bytes = handle.rawBytes(section: section.index), bytes.count >= 8 else {
      throw StaticKeysError(.malformed, "the section holds no whole header", at: place)
    }
    func word(at offset: Int) -> UInt32 {
      let word = bytes[offset..<offset + 4].enumerated().reduce(UInt32(0)) {
        $0 | UInt32($1.element) << ($1.offset * 8)
      }
      return byteOrder == .little ? word : word.byteSwapped
    }
    // Headers of before CO-RE end with the line records.
    let lengthOfRelocations = 28
    guard word(at: 4) >= lengthOfRelocations + 4 else { return false }
    guard bytes.count >= lengthOfRelocations + 4 else {
      throw StaticKeysError(.malformed, "truncated: the header is longer than the section", at: place)
    }
    return word(at: lengthOfRelocations) > 0
  }
}
