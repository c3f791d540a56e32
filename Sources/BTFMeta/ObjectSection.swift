// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

/// A section of an object file whose bytes lie within the file.
struct ObjectSection {
  let index: Int
  let name: String
  let header: GElf_Shdr

  var size: UInt64 { header.sh_size }
  var isCode: Bool { header.sh_flags & UInt64(SHF_EXECINSTR) != 0 && header.sh_type == UInt32(SHT_PROGBITS) }
  var isNoBits: Bool { header.sh_type == UInt32(SHT_NOBITS) }
}

extension ObjectFile {
  /// All sections but the null one, each with its end within the file.
  static func sections(
    _ handle: borrowing ELFHandle, _ header: GElf_Ehdr
  ) throws(StaticKeysError) -> [ObjectSection] {
    let size = UInt64(handle.size)
    // libelf tolerates a header table that the file does not hold; what follows could then not be told from "no sections".
    let (table, overflow) = header.e_shoff.addingReportingOverflow(UInt64(header.e_shnum) * UInt64(header.e_shentsize))
    guard header.e_shoff > 0, !overflow, table <= size else {
      throw StaticKeysError(.malformed, "truncated: the section headers end beyond the file's \(size) bytes")
    }
    var count = 0
    var names = 0
    guard elf_getshdrnum(handle.elf, &count) == 0, count > 1, elf_getshdrstrndx(handle.elf, &names) == 0 else {
      throw StaticKeysError(.malformed, "the section headers are not readable: \(ELFHandle.lastError)")
    }
    var sections: [ObjectSection] = []
    for index in 1..<count {
      var shdr = GElf_Shdr()
      guard let scn = elf_getscn(handle.elf, index), gelf_getshdr(scn, &shdr) != nil,
        let name = handle.name(table: names, offset: Int(shdr.sh_name))
      else { throw StaticKeysError(.malformed, "section header \(index) or its name is not readable") }
      let section = ObjectSection(index: index, name: name, header: shdr)
      let (end, overflow) = shdr.sh_offset.addingReportingOverflow(shdr.sh_size)
      guard section.isNoBits || shdr.sh_type == UInt32(SHT_NULL) || (!overflow && end <= size) else {
        throw StaticKeysError(
          .malformed, "truncated: the section ends beyond the file's \(size) bytes", at: Place(section: name))
      }
      sections.append(section)
    }
    return sections
  }
}
