// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

/// Owns a libelf descriptor and the copy of the file that it reads.
///
/// A copy, and not a mapping: a file that shrinks while it is read then cannot end the process with SIGBUS.
struct ELFHandle: ~Copyable {
  /// libelf's `Elf *`.
  let elf: OpaquePointer
  /// The file's length in bytes.
  let size: Int
  private let memory: UnsafeMutableRawBufferPointer

  /// Opens an image; throws `.notBPFObject` if it is no ELF file, `.malformed` if libelf cannot open it.
  ///
  /// The corresponding C function is `elf_memory`.
  init(copying bytes: [UInt8]) throws(StaticKeysError) {
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
      throw StaticKeysError(.notBPFObject, "not an ELF file", advice: "give an object file made by clang -target bpf")
    }
    guard bytes.count >= MemoryLayout<Elf64_Ehdr>.size else {
      throw StaticKeysError(.malformed, "truncated: \(bytes.count) bytes hold no whole ELF header")
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
    memory.copyBytes(from: bytes)
    let opened =
      elf_version(UInt32(EV_CURRENT)) == EV_NONE
      ? nil : elf_memory(memory.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    guard let opened, elf_kind(opened) == ELF_K_ELF else {
      let reason = Self.lastError
      if let opened { elf_end(opened) }
      memory.deallocate()
      throw StaticKeysError(.malformed, "truncated or damaged: libelf cannot open it (\(reason))")
    }
    elf = opened
    size = bytes.count
    self.memory = memory
  }

  /// The whole file.
  var bytes: [UInt8] { Array(memory.prefix(size)) }

  deinit {
    elf_end(elf)
    memory.deallocate()
  }

  /// What libelf says about its last failure in this thread.
  static var lastError: String { elf_errmsg(-1).map { String(cString: $0) } ?? "unknown libelf error" }

  /// A name in the string table in section `table`; nil if it lies outside or does not end, or is not printable.
  func name(table: Int, offset: Int) -> String? {
    elf_strptr(elf, table, offset).map { String(cString: $0) }.flatMap { $0.isPrintable ? $0 : nil }
  }

  /// A section's bytes as the file has them, or some of them; nil if libelf cannot give them.
  func rawBytes(section: Int, range: Range<UInt64>? = nil) -> [UInt8]? {
    guard let scn = elf_getscn(elf, section), let data = elf_rawdata(scn, nil) else { return nil }
    let count = data.pointee.d_size
    let range = range ?? 0..<UInt64(count)
    guard range.upperBound <= UInt64(count) else { return nil }
    guard !range.isEmpty else { return [] }
    guard let start = data.pointee.d_buf else { return nil }
    // SAFETY: libelf gives d_size bytes at d_buf, which live as long as `elf`; the range was checked against them.
    return Array(UnsafeRawBufferPointer(start: start, count: count)[Int(range.lowerBound)..<Int(range.upperBound)])
  }
}
