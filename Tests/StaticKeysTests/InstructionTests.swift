// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct InstructionCodingTests {
  struct Golden: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let instruction: Instruction
    let little: [UInt8]
    let big: [UInt8]
  }

  /// Hand-assembled by include/uapi/linux/bpf.h; the text is what `bpftool prog dump xlated` prints.
  @Test(arguments: [
    Golden(
      testDescription: "r0 = 0",
      instruction: Instruction(opcode: Instruction.Opcode.move64Immediate),
      little: [0xb7, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
      big: [0xb7, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
    Golden(
      testDescription: "if r0 != 0x0 goto pc+5",
      instruction: Instruction(opcode: Instruction.Opcode.jumpIfNotEqual, off: 5),
      little: [0x55, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00],
      big: [0x55, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00]),
    Golden(
      testDescription: "if r0 == 0x0 goto pc+258",
      instruction: Instruction(opcode: Instruction.Opcode.jumpIfEqual, off: 0x102),
      little: [0x15, 0x00, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00],
      big: [0x15, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00]),
    Golden(
      testDescription: "goto pc-7",
      instruction: Instruction(opcode: Instruction.Opcode.jumpAlways, off: -7),
      little: [0x05, 0x00, 0xf9, 0xff, 0x00, 0x00, 0x00, 0x00],
      big: [0x05, 0x00, 0xff, 0xf9, 0x00, 0x00, 0x00, 0x00]),
    Golden(
      testDescription: "*(u64 *)(r10 -8) = r1",
      instruction: Instruction(opcode: 0x7b, dst: 10, src: 1, off: -8),
      little: [0x7b, 0x1a, 0xf8, 0xff, 0x00, 0x00, 0x00, 0x00],
      big: [0x7b, 0xa1, 0xff, 0xf8, 0x00, 0x00, 0x00, 0x00]),
    Golden(
      testDescription: "r3 = 0x12345678 ll, the first slot, from a map's value",
      instruction: Instruction(
        opcode: Instruction.Opcode.loadImm64, dst: 3, src: Instruction.Pseudo.mapValue, imm: 0x1234_5678),
      little: [0x18, 0x23, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12],
      big: [0x18, 0x32, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78]),
    Golden(
      testDescription: "call pc-2",
      instruction: Instruction(opcode: Instruction.Opcode.call, src: Instruction.Pseudo.call, imm: -2),
      little: [0x85, 0x10, 0x00, 0x00, 0xfe, 0xff, 0xff, 0xff],
      big: [0x85, 0x01, 0x00, 0x00, 0xff, 0xff, 0xff, 0xfe]),
    Golden(
      testDescription: "exit",
      instruction: Instruction(opcode: Instruction.Opcode.exit),
      little: [0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
      big: [0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
  ])
  func golden(_ row: Golden) {
    #expect(row.instruction.bytes(order: .little) == row.little)
    #expect(row.instruction.bytes(order: .big) == row.big)
    #expect(Instruction(bytes: row.little, order: .little) == row.instruction)
    #expect(Instruction(bytes: row.big, order: .big) == row.instruction)
  }

  static func survives(_ instruction: Instruction, _ order: ByteOrder) -> Bool {
    let bytes = instruction.bytes(order: order)
    return bytes.count == Instruction.size && Instruction(bytes: bytes, order: order) == instruction
  }

  @Test(arguments: [ByteOrder.little, .big])
  func everyOpcodeAndRegisterPairSurvives(_ order: ByteOrder) {
    let wrong = (UInt8.min...UInt8.max).filter { byte in
      !Self.survives(Instruction(opcode: byte, dst: 1, src: 2, off: -3, imm: 4), order)
        || !Self.survives(Instruction(opcode: 0x0f, dst: byte & 0xf, src: byte >> 4, off: -3, imm: 4), order)
    }
    #expect(wrong == [])
  }

  @Test(arguments: [ByteOrder.little, .big])
  func everyOffsetSurvives(_ order: ByteOrder) {
    let wrong = (Int16.min...Int16.max).filter { off in
      !Self.survives(Instruction(opcode: 0x05, dst: 15, src: 9, off: off, imm: -1), order)
    }
    #expect(wrong == [])
  }

  @Test(arguments: [ByteOrder.little, .big])
  func everyByteOfTheImmediateSurvives(_ order: ByteOrder) {
    let wrong = (0..<4).flatMap { position in
      (UInt32(0)...255).filter { byte in
        let imm = Int32(bitPattern: 0xa5c3_1e78 & ~(0xff << (8 * position)) | byte << (8 * position))
        return !Self.survives(Instruction(opcode: 0xb7, dst: 1, off: 2, imm: imm), order)
      }
    }
    #expect(wrong == [])
  }

  @Test func anyOtherLengthIsRefused() {
    for count in 0...24 where count != Instruction.size {
      let bytes = [UInt8](repeating: 0, count: count)
      #expect(Instruction(bytes: bytes, order: .little) == nil)
      #expect(Instruction(bytes: bytes, order: .big) == nil)
    }
  }

  @Test func slicesAreReadFromTheirOwnStart() {
    let bytes: [UInt8] = [0xff, 0xff, 0x55, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00]
    #expect(Instruction(bytes: bytes[2...], order: .little) == Instruction(opcode: 0x55, off: 5))
  }

  @Test func registersKeepFourBits() {
    let instruction = Instruction(opcode: 0x05, dst: 0xfa, src: 0x31)
    #expect(instruction.dst == 0xa)
    #expect(instruction.src == 0x1)
  }

  @Test func hostOrderIsThatOfMemory() {
    let host = withUnsafeBytes(of: UInt16(0x0102)) { Array($0) }
    #expect(ByteOrder.host == (host == [0x01, 0x02] ? .big : .little))
  }
}
