// SPDX-License-Identifier: Apache-2.0

/// Instructions as text, in the manner of the kernel's own printer (kernel/bpf/disasm.c).
public enum Disassembly {
  /// The text of each instruction with the slot it starts in; a 16-byte instruction makes one line.
  public static func lines(_ instructions: [Instruction]) -> [(index: Int, text: String)] {
    var result: [(index: Int, text: String)] = []
    var index = 0
    while index < instructions.count {
      let insn = instructions[index]
      let isWide = insn.opcode == Instruction.Opcode.loadImm64 && index + 1 < instructions.count
      result.append((index, isWide ? wideLoad(insn, instructions[index + 1]) : insn.description))
      index += isWide ? 2 : 1
    }
    return result
  }

  private static func wideLoad(_ low: Instruction, _ high: Instruction) -> String {
    switch low.src {
    case Instruction.Pseudo.mapFD: "r\(low.dst) = map[id:\(low.imm)]"
    case Instruction.Pseudo.mapValue: "r\(low.dst) = map[id:\(low.imm)][0]+\(high.imm)"
    case Instruction.Pseudo.function: "r\(low.dst) = subprog[\(signed(low.imm))]"
    default:
      "r\(low.dst) = 0x"
        + String(UInt64(UInt32(bitPattern: high.imm)) << 32 | UInt64(UInt32(bitPattern: low.imm)), radix: 16)
    }
  }

  /// A number with its sign, also where it is not negative.
  static func signed(_ value: some BinaryInteger) -> String { value < 0 ? "\(value)" : "+\(value)" }
}

extension Instruction: CustomStringConvertible {
  /// The instruction by itself, such as "if r0 != 0x0 goto +4"; ".insn" and its fields where it is none we know.
  public var description: String {
    let text =
      switch opcode & 7 {
      case 0: packetLoad
      case 1: load
      case 2, 3: store
      case 4, 7: arithmetic
      default: jump
      }
    return text ?? ".insn 0x\(String(opcode, radix: 16)), dst \(dst), src \(src), off \(off), imm \(imm)"
  }

  private var isRegisterSource: Bool { opcode & 0x08 != 0 }

  private var memoryType: String {
    switch opcode & 0x18 {
    case 0x00: "u32"
    case 0x08: "u16"
    case 0x10: "u8"
    default: "u64"
    }
  }

  private var packetLoad: String? {
    switch opcode & 0xe0 {
    case 0x20: "r0 = *(\(memoryType) *)skb[\(imm)]"
    case 0x40: "r0 = *(\(memoryType) *)skb[r\(src)\(Disassembly.signed(imm))]"
    default: nil
    }
  }

  private var load: String? {
    let address = "(r\(src) \(Disassembly.signed(off)))"
    switch opcode & 0xe0 {
    case 0x60: return "r\(dst) = *(\(memoryType) *)\(address)"
    case 0x80: return opcode & 0x18 == 0x18 ? nil : "r\(dst) = *(s\(memoryType.dropFirst()) *)\(address)"
    default: return nil
    }
  }

  private var store: String? {
    let place = "*(\(memoryType) *)(r\(dst) \(Disassembly.signed(off)))"
    if opcode & 0xe0 == 0x60 { return opcode & 7 == 3 ? "\(place) = r\(src)" : "\(place) = \(imm)" }
    guard opcode & 0xe0 == 0xc0, opcode & 7 == 3, opcode & 0x18 == 0 || opcode & 0x18 == 0x18 else { return nil }
    let fetch = imm & 1 != 0 ? "r\(src) = atomic_fetch" : "lock"
    return switch imm {
    case 0xe1: "r\(src) = xchg(\(place), r\(src))"
    case 0xf1: "r0 = cmpxchg(\(place), r0, r\(src))"
    case 0x00, 0x01: "\(fetch) \(place) += r\(src)"
    case 0x40, 0x41: "\(fetch) \(place) |= r\(src)"
    case 0x50, 0x51: "\(fetch) \(place) &= r\(src)"
    case 0xa0, 0xa1: "\(fetch) \(place) ^= r\(src)"
    default: nil
    }
  }

  private var arithmetic: String? {
    let letter = opcode & 7 == 7 ? "r" : "w"
    let to = "\(letter)\(dst)"
    let from = isRegisterSource ? "\(letter)\(src)" : "\(imm)"
    if opcode & 0xf0 == 0x80 { return "\(to) = -\(to)" }
    if opcode & 0xf0 == 0xd0 { return byteSwap }
    if opcode & 0xf0 == 0xb0 {
      return off == 0 || !isRegisterSource ? "\(to) = \(from)" : "\(to) = (s\(off))\(from)"
    }
    let operators: [UInt8: String] = [
      0x00: "+=", 0x10: "-=", 0x20: "*=", 0x30: off == 1 ? "s/=" : "/=", 0x40: "|=", 0x50: "&=", 0x60: "<<=",
      0x70: ">>=", 0x90: off == 1 ? "s%=" : "%=", 0xa0: "^=", 0xc0: "s>>=",
    ]
    return operators[opcode & 0xf0].map { "\(to) \($0) \(from)" }
  }

  private var byteSwap: String {
    let order = opcode & 7 == 7 ? "bswap" : isRegisterSource ? "be" : "le"
    return "r\(dst) = \(order)\(imm) r\(dst)"
  }

  private var jump: String? {
    let isWide = opcode & 7 == 5
    let to = isWide ? "r\(dst)" : "w\(dst)"
    let from = isRegisterSource ? (isWide ? "r\(src)" : "w\(src)") : "0x" + String(UInt32(bitPattern: imm), radix: 16)
    switch opcode {
    case Opcode.jumpAlways: return "goto \(Disassembly.signed(off))"
    case 0x06: return "gotol \(Disassembly.signed(imm))"
    case Opcode.exit: return "exit"
    case Opcode.call:
      return switch src {
      case Pseudo.call: "call \(Disassembly.signed(imm))"
      case Pseudo.kernelFunctionCall: "call kernel function#\(imm)"
      default: "call helper#\(imm)"
      }
    case 0xe5: return "may_goto \(Disassembly.signed(off))"
    default: break
    }
    let conditions: [UInt8: String] = [
      0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&", 0x50: "!=", 0x60: "s>", 0x70: "s>=", 0xa0: "<", 0xb0: "<=",
      0xc0: "s<", 0xd0: "s<=",
    ]
    return conditions[opcode & 0xf0].map { "if \(to) \($0) \(from) goto \(Disassembly.signed(off))" }
  }
}
