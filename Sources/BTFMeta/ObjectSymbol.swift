// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

/// A symbol of an object file.
struct ObjectSymbol {
  let name: String
  /// The index of the section that defines it; nil if it is undefined or no section does.
  let section: Int?
  let value: UInt64
  let size: UInt64
  let type: Int32
  let isGlobal: Bool
}

extension ObjectFile {
  /// All symbols with a name, in the order of the symbol table.
  static func symbols(
    _ handle: borrowing ELFHandle, _ sections: [ObjectSection]
  ) throws(StaticKeysError) -> [ObjectSymbol] {
    guard let table = sections.first(where: { $0.header.sh_type == UInt32(SHT_SYMTAB) }) else {
      throw StaticKeysError(.malformed, "no symbol table", advice: "strip BPF objects with llvm-strip -g only")
    }
    let place = Place(section: table.name)
    let entry = UInt64(MemoryLayout<Elf64_Sym>.size)
    guard table.size % entry == 0, let count = Int32(exactly: table.size / entry),
      let scn = elf_getscn(handle.elf, table.index), let data = elf_getdata(scn, nil)
    else { throw StaticKeysError(.malformed, "the symbol table is not readable", at: place) }
    var symbols: [ObjectSymbol] = []
    for index in 0..<count {
      var symbol = GElf_Sym()
      guard gelf_getsym(data, index, &symbol) != nil,
        let name = handle.name(table: Int(table.header.sh_link), offset: Int(symbol.st_name))
      else {
        throw StaticKeysError(.malformed, "symbol \(index) or its name is not readable", at: place)
      }
      guard !name.isEmpty else { continue }
      let section = Int(symbol.st_shndx)
      symbols.append(
        ObjectSymbol(
          name: name, section: (1...sections.count).contains(section) ? section : nil, value: symbol.st_value,
          size: symbol.st_size, type: Int32(symbol.st_info & 0xf), isGlobal: symbol.st_info >> 4 != UInt8(STB_LOCAL)))
    }
    return symbols
  }
}
