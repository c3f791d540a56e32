// SPDX-License-Identifier: Apache-2.0

/// One slot as the kernel's verifier and bpftool write it (kernel/bpf/disasm.c, `print_bpf_insn`).
extension Instruction: CustomStringConvertible {
  /// The slot by itself; of a 16-byte instruction the second slot is unknown here and taken as zero.
  public var description: String { text(following: nil) }

  /// The slot's text; what no kernel knows is written as its eight bytes, `.insn 0x…`.
  ///
  /// - Parameters:
  ///   - next: the slot after it, which holds the upper half of a 16-byte instruction.
  ///   - map: the name of the map that a map reference's immediate stands for; templates have a slot number there.
  ///   - helper: the name of the helper function of this number (`enum bpf_func_id`); nil where it is not known.
  public func text(
    following next: Instruction?, map: (Int32) -> String = { "slot \($0)" }, helper: (Int32) -> String? = { _ in nil }
  ) -> String {
    let known: String? =
      switch opcode & 0x07 {
      case 0x00: loadText(following: next, map: map)
      case 0x01: loadFromMemoryText
      case 0x02: storeImmediateText
      case 0x03: storeRegisterText
      case 0x04, 0x07: arithmeticText
      case 0x05: jumpText(helper)
      default: jump32Text
      }
    return known ?? rawText
  }

  private var rawText: String {
    let hex = bytes(order: .big).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return ".insn 0x" + hex.joined()
  }
}

// .. Loads and stores .........................................................................................

extension Instruction {
  /// The C type of the size bits of a load or store.
  private var sizeName: String { ["u32", "u16", "u8", "u64"][Int(opcode >> 3 & 3)] }

  /// The mode bits of a load or store.
  private var mode: UInt8 { opcode & 0xe0 }

  private func memory(_ register: UInt8, signed: Bool = false) -> String {
    "*(\(signed ? "s" + sizeName.dropFirst() : sizeName) *)(r\(register) \(Self.signed(off)))"
  }

  private func loadText(following next: Instruction?, map: (Int32) -> String) -> String? {
    switch mode {
    case 0x00: opcode == Opcode.loadImm64 ? loadImm64Text(upper: next?.imm ?? 0, map: map) : nil
    case 0x20 where sizeName != "u64": "r0 = *(\(sizeName) *)skb[\(imm)]"
    case 0x40 where sizeName != "u64": "r0 = *(\(sizeName) *)skb[r\(src) + \(imm)]"
    default: nil
    }
  }

  private func loadImm64Text(upper: Int32, map: (Int32) -> String) -> String? {
    let value = UInt64(UInt32(bitPattern: upper)) << 32 | UInt64(UInt32(bitPattern: imm))
    switch src {
    case 0: return "r\(dst) = 0x\(String(value, radix: 16)) ll"
    case Pseudo.mapFD: return "r\(dst) = map[\(map(imm))] ll"
    case Pseudo.mapValue: return "r\(dst) = map[\(map(imm))][0]+\(UInt32(bitPattern: upper)) ll"
    case Pseudo.btfID: return "r\(dst) = ksym[btf_id:\(imm)] ll"
    case Pseudo.function: return "r\(dst) = subprog[\(Self.signed(imm))] ll"
    case Pseudo.mapIndex: return "r\(dst) = map[idx:\(imm)] ll"
    case Pseudo.mapIndexValue: return "r\(dst) = map[idx:\(imm)][0]+\(UInt32(bitPattern: upper)) ll"
    default: return nil
    }
  }

  private var loadFromMemoryText: String? {
    switch mode {
    case 0x60: "r\(dst) = \(memory(src))"
    case 0x80 where sizeName != "u64": "r\(dst) = \(memory(src, signed: true))"
    default: nil
    }
  }

  private var storeImmediateText: String? { mode == 0x60 ? "\(memory(dst)) = \(imm)" : nil }

  private var storeRegisterText: String? {
    switch mode {
    case 0x60: "\(memory(dst)) = r\(src)"
    case 0xc0: atomicText
    default: nil
    }
  }

  private var atomicText: String? {
    let bits = sizeName == "u64" ? "64" : ""
    switch imm {
    case 0x100: return "r\(dst) = load_acquire((\(sizeName) *)(r\(src) \(Self.signed(off))))"
    case 0x110: return "store_release((\(sizeName) *)(r\(dst) \(Self.signed(off))), r\(src))"
    case _ where sizeName != "u64" && sizeName != "u32": return nil
    case 0xe1: return "r\(src) = atomic\(bits)_xchg((\(sizeName) *)(r\(dst) \(Self.signed(off))), r\(src))"
    case 0xf1: return "r0 = atomic\(bits)_cmpxchg((\(sizeName) *)(r\(dst) \(Self.signed(off))), r0, r\(src))"
    default: break
    }
    let fetches: [Int32: (name: String, sign: String)] = [
      0x00: ("add", "+="), 0x40: ("or", "|="), 0x50: ("and", "&="), 0xa0: ("xor", "^="),
    ]
    guard let operation = fetches[imm & ~1] else { return nil }
    return imm & 1 == 0
      ? "lock \(memory(dst)) \(operation.sign) r\(src)"
      : "r\(src) = atomic\(bits)_fetch_\(operation.name)((\(sizeName) *)(r\(dst) \(Self.signed(off))), r\(src))"
  }
}

// .. Arithmetic ...............................................................................................

extension Instruction {
  private var usesRegister: Bool { opcode & 0x08 != 0 }

  private var arithmeticText: String? {
    let is64 = opcode & 0x07 == 0x07
    let width = is64 ? "r" : "w"
    let signs = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", nil, "%=", "^=", "=", "s>>="]
    switch opcode & 0xf0 {
    case 0x80: return usesRegister ? nil : "\(width)\(dst) = -\(width)\(dst)"
    case 0xd0: return byteSwapText(is64: is64)
    case let operation:
      guard signs.indices.contains(Int(operation >> 4)), let sign = signs[Int(operation >> 4)] else { return nil }
      // Version 4 of the instruction set tells signed division and modulo by off = 1.
      let signed = off == 1 && (operation == 0x30 || operation == 0x90) ? "s" : ""
      guard usesRegister else { return "\(width)\(dst) \(signed)\(sign) \(imm)" }
      return operation == 0xb0 ? moveText(width) : "\(width)\(dst) \(signed)\(sign) \(width)\(src)"
    }
  }

  private func moveText(_ width: String) -> String? {
    switch off {
    case 0: return "\(width)\(dst) = \(width)\(src)"
    case 8, 16, 32: return "\(width)\(dst) = (s\(off))\(width)\(src)"
    case 1 where width == "r":
      let spaces = UInt32(bitPattern: imm)
      return "r\(dst) = addr_space_cast(r\(src), \(spaces >> 16), \(spaces & 0xffff))"
    default: return nil
    }
  }

  private func byteSwapText(is64: Bool) -> String? {
    guard [16, 32, 64].contains(imm) else { return nil }
    if is64 { return usesRegister ? nil : "r\(dst) = bswap\(imm) r\(dst)" }
    return "r\(dst) = \(usesRegister ? "be" : "le")\(imm) r\(dst)"
  }
}

// .. Jumps ....................................................................................................

extension Instruction {
  private func jumpText(_ helper: (Int32) -> String?) -> String? {
    switch opcode & 0xf8 {
    case 0x00:
      switch src {
      case 0: "goto pc\(Self.signed(off))"
      case Pseudo.gotoOrNop: "goto_or_nop pc\(Self.signed(off))"
      case Pseudo.nopOrGoto: "nop_or_goto pc\(Self.signed(off))"
      default: nil
      }
    case 0x80: callText(helper)
    case 0x90: "exit"
    case 0xe0: src == 0 ? "may_goto pc\(Self.signed(off))" : nil
    default: conditionText("r")
    }
  }

  private var jump32Text: String? { opcode & 0xf8 == 0 ? "gotol pc\(Self.signed(imm))" : conditionText("w") }

  private func callText(_ helper: (Int32) -> String?) -> String? {
    switch src {
    case 0: "call \(helper(imm).map { "bpf_" + $0 } ?? "helper")#\(imm)"
    case Pseudo.call: "call pc\(Self.signed(imm))"
    case Pseudo.kernelFunctionCall: "call kfunc#\(imm)"
    default: nil
    }
  }

  private func conditionText(_ width: String) -> String? {
    let signs: [UInt8: String] = [
      0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&", 0x50: "!=", 0x60: "s>", 0x70: "s>=", 0xa0: "<", 0xb0: "<=",
      0xc0: "s<", 0xd0: "s<=",
    ]
    guard let sign = signs[opcode & 0xf0] else { return nil }
    let right = usesRegister ? "\(width)\(src)" : "0x\(String(UInt32(bitPattern: imm), radix: 16))"
    return "if \(width)\(dst) \(sign) \(right) goto pc\(Self.signed(off))"
  }

  private static func signed(_ value: some FixedWidthInteger) -> String { value < 0 ? "\(value)" : "+\(value)" }
}

extension Instruction.Pseudo {
  /// ld_imm64: a map, by its index in BPF_PROG_LOAD's `fd_array`.
  static let mapIndex: UInt8 = 5
  /// ld_imm64: an address in a map's first value, by index in `fd_array` and byte offset.
  static let mapIndexValue: UInt8 = 6
}
