// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys
import SystemPackage

/// A relocatable BPF object file, as clang or the static linker writes it: what of it concerns static keys.
///
/// Opening it checks everything these properties need: an `ObjectFile` that exists has sections, symbols, functions and
/// keys that lie within the file. Either byte order is read on any machine.
public struct ObjectFile: ~Copyable {
  /// The file's name in errors.
  public let name: String
  let handle: ELFHandle
  private let contents: Contents

  /// What is read when an object is opened.
  private struct Contents {
    let header: GElf_Ehdr
    let sections: [ObjectSection]
    let symbols: [ObjectSymbol]
    let functions: [ObjectFunction]
    let keys: [StaticKey]

    init(of handle: borrowing ELFHandle) throws(StaticKeysError) {
      header = try ObjectFile.checkedHeader(handle)
      sections = try ObjectFile.sections(handle, header)
      symbols = try ObjectFile.symbols(handle, sections)
      functions = try ObjectFile.functions(symbols, sections)
      keys = try ObjectFile.keys(handle, symbols, sections)
    }
  }

  /// The order of its bytes: bpfel or bpfeb.
  public var byteOrder: ByteOrder { Int32(header.e_ident.5) == ELFDATA2MSB ? .big : .little }
  /// Its functions, in the order of section and byte.
  public var functions: [ObjectFunction] { contents.functions }
  /// The keys that it defines, by name.
  public var keys: [StaticKey] { contents.keys }

  var header: GElf_Ehdr { contents.header }
  var sections: [ObjectSection] { contents.sections }
  var symbols: [ObjectSymbol] { contents.symbols }

  /// Reads an object file.
  ///
  /// Throws `.file` if it cannot be read, `.notBPFObject` if it is no ELF file, not one for BPF, or not relocatable, and
  /// `.malformed` if it is truncated or contradicts itself.
  public init(path: FilePath) throws(StaticKeysError) {
    try self.init(bytes: FileContents.read(path), name: path.string)
  }

  /// Takes an object that is in memory already; `name` stands for it in errors. Throws what `init(path:)` does.
  public init(bytes: [UInt8], name: String) throws(StaticKeysError) {
    let handle = try located(at: Place(file: name)) { () throws(StaticKeysError) in try ELFHandle(copying: bytes) }
    let contents = try located(at: Place(file: name)) { () throws(StaticKeysError) in try Contents(of: handle) }
    self.name = name
    self.contents = contents
    self.handle = handle
  }

  /// The text in section "license"; nil if there is none.
  public var license: String? {
    guard let section = sections.first(where: { $0.name == "license" }), !section.isNoBits,
      let bytes = handle.rawBytes(section: section.index)
    else { return nil }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The instructions of a function of this object; throws `.malformed` if it does not consist of whole slots.
  public borrowing func instructions(of function: ObjectFunction) throws(StaticKeysError) -> [Instruction] {
    let place = Place(file: name, section: function.section, byte: function.start, function: function.name)
    guard function.byteCount % Instruction.size == 0 else {
      throw StaticKeysError(
        .malformed, "the function is \(function.byteCount) bytes long, no multiple of \(Instruction.size)", at: place)
    }
    guard
      let bytes = handle.rawBytes(section: function.sectionIndex, range: function.start.rawValue..<function.end)
    else { throw StaticKeysError(.malformed, "the function's code is not readable", at: place) }
    return stride(from: 0, to: bytes.count, by: Instruction.size).compactMap {
      Instruction(bytes: bytes[$0..<$0 + Instruction.size], order: byteOrder)
    }
  }
}
