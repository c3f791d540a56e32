// SPDX-License-Identifier: Apache-2.0

import CLibELF
import Glibc
import StaticKeys
import SystemPackage

extension ObjectFile {
  /// This object with other contents in one section, laid out anew by libelf.
  ///
  /// Sections keep their numbers, names and contents, so symbols and relocations stay true.
  borrowing func image(
    replacing section: ObjectSection, with contents: [UInt8]
  ) throws(StaticKeysError) -> [UInt8] {
    let place = Place(file: name)
    // libelf would honour a hostile alignment with a file of that size.
    if let odd = sections.first(where: { $0.header.sh_addralign > 1 << 16 }) {
      throw StaticKeysError(
        .malformed, "the section wants an alignment of \(odd.header.sh_addralign)",
        at: Place(file: name, section: odd.name))
    }
    guard header.e_phnum == 0, sections.count < Int(SHN_LORESERVE) else {
      throw StaticKeysError(.unsupported, "the object has program headers or too many sections", at: place)
    }
    let fd = FileDescriptor(rawValue: memfd_create("annotated", SK_MFD_CLOEXEC))
    guard fd.rawValue >= 0 else {
      let code = Errno(rawValue: errno)
      throw StaticKeysError(.file, "cannot create a file in memory: \(code)", at: place, errno: code.rawValue)
    }
    return try FileContents.system(at: place) {
      try fd.closeAfter {
        try write(to: fd, replacing: section, with: contents)
        try fd.seek(offset: 0, from: .start)
        return try FileContents.readAll(fd, at: place)
      }
    }
  }

  private borrowing func write(
    to fd: FileDescriptor, replacing section: ObjectSection, with contents: [UInt8]
  ) throws(StaticKeysError) {
    func failure() -> StaticKeysError {
      StaticKeysError(.malformed, "libelf cannot write the object: \(ELFHandle.lastError)")
    }
    guard let out = elf_begin(fd.rawValue, ELF_C_WRITE, nil) else { throw failure() }
    // libelf reads the section contents in elf_update, so they have to live until elf_end.
    var buffers: [UnsafeMutableRawBufferPointer] = []
    defer {
      elf_end(out)
      for buffer in buffers { buffer.deallocate() }
    }
    var ehdr = header
    guard gelf_newehdr(out, ELFCLASS64) != nil, gelf_update_ehdr(out, &ehdr) != 0 else { throw failure() }
    for original in sections {
      guard let scn = elf_newscn(out), elf_ndxscn(scn) == original.index else { throw failure() }
      var shdr = original.header
      let bytes: [UInt8]?
      if original.isNoBits {
        bytes = nil
      } else {
        bytes = original.index == section.index ? contents : handle.rawBytes(section: original.index)
        guard bytes != nil || original.header.sh_type == UInt32(SHT_NULL) else { throw failure() }
      }
      shdr.sh_size = bytes.map { UInt64($0.count) } ?? original.size
      guard gelf_update_shdr(scn, &shdr) != 0 else { throw failure() }
      guard original.header.sh_type != UInt32(SHT_NULL) else { continue }
      guard let data = elf_newdata(scn) else { throw failure() }
      // Bytes are bytes in either order: libelf is to convert nothing on the way.
      data.pointee.d_type = ELF_T_BYTE
      data.pointee.d_version = UInt32(EV_CURRENT)
      data.pointee.d_align = 1
      data.pointee.d_size = Int(shdr.sh_size)
      if let bytes, !bytes.isEmpty {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        buffer.copyBytes(from: bytes)
        buffers.append(buffer)
        data.pointee.d_buf = buffer.baseAddress
      }
    }
    guard elf_update(out, ELF_C_WRITE) >= 0 else { throw failure() }
  }
}
