// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys
import SystemPackage

/// An executable or shared library of this machine's, as far as probes need it: where its functions are in the file.
public struct ExecutableFile: ~Copyable {
  private let path: FilePath
  private let handle: ELFHandle

  /// Opens a file; throws `.file` if it cannot be read, `.malformed` if it is no ELF file.
  public init(path: FilePath) throws(StaticKeysError) {
    self.path = path
    let bytes = try FileContents.read(path)
    do throws(StaticKeysError) {
      handle = try ELFHandle(copying: bytes)
    } catch {
      throw StaticKeysError(.malformed, "it is no program or library that can be probed", at: Place(file: path.string))
    }
  }

  /// The offset in the file, in bytes, at which a function's code starts.
  ///
  /// - Throws: `.notFound` if neither symbol table has the function, `.ambiguous` if there are several of that name.
  public func offset(ofFunction name: String) throws(StaticKeysError) -> UInt64 {
    var found: Set<UInt64> = []
    var section = elf_nextscn(handle.elf, nil)
    while let table = section {
      found.formUnion(offsets(of: name, inTable: table))
      section = elf_nextscn(handle.elf, table)
    }
    guard let first = found.first else {
      throw StaticKeysError(
        .notFound, "it has no function '\(name)'", at: Place(file: path.string),
        advice: "a stripped file keeps the functions it exports; another place can be given as an offset in the file")
    }
    guard found.count == 1 else {
      let all = found.sorted().map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
      throw StaticKeysError(
        .ambiguous, "it has several functions '\(name)'", at: Place(file: path.string),
        advice: "give one of their offsets in the file instead: \(all)")
    }
    return first
  }

  private func offsets(of name: String, inTable section: OpaquePointer) -> Set<UInt64> {
    var header = GElf_Shdr()
    guard gelf_getshdr(section, &header) != nil,
      header.sh_type == UInt32(SHT_SYMTAB) || header.sh_type == UInt32(SHT_DYNSYM), header.sh_entsize > 0,
      let data = elf_getdata(section, nil), let count = Int32(exactly: header.sh_size / header.sh_entsize)
    else { return [] }
    var offsets: Set<UInt64> = []
    for index in 0..<count {
      var symbol = GElf_Sym()
      guard gelf_getsym(data, index, &symbol) != nil else { break }
      let type = Int32(symbol.st_info & 0xf)
      guard type == STT_FUNC || type == STT_GNU_IFUNC, symbol.st_shndx != UInt16(SHN_UNDEF),
        let own = elf_strptr(handle.elf, Int(header.sh_link), Int(symbol.st_name)), String(cString: own) == name,
        let offset = fileOffset(of: symbol)
      else { continue }
      offsets.insert(offset)
    }
    return offsets
  }

  /// Symbols hold addresses; the section says where in the file an address comes from.
  private func fileOffset(of symbol: GElf_Sym) -> UInt64? {
    var header = GElf_Shdr()
    guard let section = elf_getscn(handle.elf, Int(symbol.st_shndx)), gelf_getshdr(section, &header) != nil,
      symbol.st_value >= header.sh_addr, symbol.st_value - header.sh_addr < header.sh_size
    else { return nil }
    let (offset, overflow) = header.sh_offset.addingReportingOverflow(symbol.st_value - header.sh_addr)
    return overflow || offset >= UInt64(handle.size) ? nil : offset
  }
}
