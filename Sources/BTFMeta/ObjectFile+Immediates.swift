// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

/// A place of an object file whose immediate is a constant's value.
public struct ObjectImmediate: Hashable, Sendable {
  /// The function that contains it; code inlined elsewhere has a place of its own there.
  public let function: ObjectFunction
  /// The place, in offsets from the start of that function.
  public let immediate: StaticImmediate
}

extension ObjectFile {
  /// The places of constants, in the order of section and byte.
  ///
  /// Throws `.malformed` for a symbol of unknown form, `.undefinedKey` for a constant that this object does not define,
  /// and `.badSite` for a place outside any function, for an instruction that holds no constant, and for one whose value is
  /// another than its definition's.
  public borrowing func immediates() throws(StaticKeysError) -> [ObjectImmediate] {
    let places = symbols.filter { $0.name.hasPrefix(ConstantSymbol.prefix) }
    guard !places.isEmpty else { return [] }
    let defined = try constants()
    let index = FunctionIndex(functions)
    var code: [ObjectFunction: [Instruction]] = [:]
    var found: [ObjectImmediate] = []
    for symbol in places {
      let function = try function(holding: symbol, index)
      if code[function] == nil { code[function] = try instructions(of: function) }
      let place = Place(
        file: name, section: function.section, byte: ByteOffset(symbol.value), function: function.name)
      found.append(
        try located(at: place) { () throws(StaticKeysError) in
          try Self.immediate(symbol, in: function, code[function] ?? [], defined)
        })
    }
    return found.sorted { Self.order($0) < Self.order($1) }
  }

  private static func order(_ place: ObjectImmediate) -> (Int, ByteOffset, FunctionOffset) {
    (place.function.sectionIndex, place.function.start, place.immediate.insn)
  }

  private struct Constant {
    let size: Int
    let isSigned: Bool
    let value: ImmediateBits
  }

  /// The constants that the object defines. Their sign is in BTF alone.
  private borrowing func constants() throws(StaticKeysError) -> [KeyName: Constant] {
    let types: [String: ValueType]
    do throws(StaticKeysError) {
      let section = try btf().dataSection(named: StaticImmediate.section)
      types = Dictionary((section?.variables ?? []).map { ($0.name, $0.type) }) { first, _ in first }
    } catch {
      guard error.code == .noBTF else { throw error }
      types = [:]
    }
    var found: [KeyName: Constant] = [:]
    for symbol in symbols where symbol.type == STT_OBJECT {
      guard let index = symbol.section, sections[index - 1].name == StaticImmediate.section else { continue }
      let section = sections[index - 1]
      let place = Place(file: name, section: section.name, byte: ByteOffset(symbol.value), key: symbol.name)
      guard let name = KeyName(symbol.name), [1, 2, 4, 8].contains(symbol.size) else {
        throw StaticKeysError(
          .malformed, "the constant is \(symbol.size) bytes long", at: place,
          advice: "constants have 1, 2, 4 or 8 bytes")
      }
      let (end, overflow) = symbol.value.addingReportingOverflow(symbol.size)
      let bytes = overflow || section.isNoBits ? nil : handle.rawBytes(section: index, range: symbol.value..<end)
      guard let bytes, end <= section.size else {
        throw StaticKeysError(.malformed, "the constant lies beyond its section", at: place)
      }
      guard found[name] == nil else {
        throw StaticKeysError(.ambiguous, "two constants have this name", at: place, advice: "rename one")
      }
      let ordered = byteOrder == .little ? bytes.reversed() : bytes
      found[name] = Constant(
        size: bytes.count, isSigned: types[symbol.name]?.isSigned ?? false,
        value: ordered.reduce(0) { $0 << 8 | ImmediateBits($1) })
    }
    return found
  }

  private static func immediate(
    _ symbol: ObjectSymbol, in function: ObjectFunction, _ code: [Instruction], _ defined: [KeyName: Constant]
  ) throws(StaticKeysError) -> ObjectImmediate {
    guard let name = ConstantSymbol(symbol.name)?.name else {
      throw StaticKeysError(
        .malformed, "symbol \(symbol.name) is not of the form __static_const.<n>.<name>",
        advice: "use the static_key.bpf.h of this version")
    }
    let place = Place(key: name.rawValue)
    guard let insn = ByteOffset(symbol.value).slot(inFunctionAt: function.start) else {
      throw StaticKeysError(.badSite, "the constant does not lie on an 8-byte instruction slot", at: place)
    }
    guard let constant = defined[name] else {
      throw StaticKeysError(
        .undefinedKey, "the constant is not defined in this object", at: place,
        advice: "link it with the object that defines it (bpftool gen object)")
    }
    let value = try located(at: place) { () throws(StaticKeysError) in
      try ImmediateInstruction.value(in: code, at: Int(insn.rawValue), size: constant.size)
    }
    guard value == constant.value,
      let immediate = StaticImmediate(
        name: name, insn: insn, size: constant.size, isSigned: constant.isSigned, defaultValue: value)
    else {
      throw StaticKeysError(
        .badSite, "the instruction holds \(value), but the constant is defined as \(constant.value)",
        at: Place(insn: insn, key: name.rawValue), advice: "declare the constant with the value of its definition")
    }
    return ObjectImmediate(function: function, immediate: immediate)
  }
}
