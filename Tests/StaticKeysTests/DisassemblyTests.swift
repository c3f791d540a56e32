// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct DisassemblyTests {
  /// An instruction, hand-assembled by include/uapi/linux/bpf.h, and its text.
  struct Golden: Sendable, CustomTestStringConvertible {
    let instruction: Instruction
    let text: String

    init(_ opcode: UInt8, dst: UInt8 = 0, src: UInt8 = 0, off: Int16 = 0, imm: Int32 = 0, _ text: String) {
      instruction = Instruction(opcode: opcode, dst: dst, src: src, off: off, imm: imm)
      self.text = text
    }

    var testDescription: String { text }
  }

  private static let arithmetic = [
    Golden(0xb7, "r0 = 0"),
    Golden(0xb4, dst: 0, imm: 1, "w0 = 1"),
    Golden(0xb7, dst: 3, imm: -1, "r3 = -1"),
    Golden(0xbf, dst: 6, src: 1, "r6 = r1"),
    Golden(0xbc, dst: 6, src: 1, "w6 = w1"),
    Golden(0xbf, dst: 1, src: 2, off: 8, "r1 = (s8)r2"),
    Golden(0xbf, dst: 1, src: 2, off: 32, "r1 = (s32)r2"),
    Golden(0xbc, dst: 1, src: 2, off: 16, "w1 = (s16)w2"),
    Golden(0xbf, dst: 1, src: 2, off: 1, imm: 1 << 16, "r1 = addr_space_cast(r2, 1, 0)"),
    Golden(0x07, dst: 10, imm: -8, "r10 += -8"),
    Golden(0x0f, dst: 1, src: 2, "r1 += r2"),
    Golden(0x1c, dst: 1, src: 2, "w1 -= w2"),
    Golden(0x27, dst: 1, imm: 3, "r1 *= 3"),
    Golden(0x37, dst: 1, imm: 3, "r1 /= 3"),
    Golden(0x37, dst: 1, off: 1, imm: 3, "r1 s/= 3"),
    Golden(0x9c, dst: 1, src: 2, off: 1, "w1 s%= w2"),
    Golden(0x97, dst: 1, imm: 7, "r1 %= 7"),
    Golden(0x4f, dst: 1, src: 2, "r1 |= r2"),
    Golden(0x57, dst: 1, imm: 255, "r1 &= 255"),
    Golden(0xa7, dst: 1, imm: 1, "r1 ^= 1"),
    Golden(0x67, dst: 1, imm: 32, "r1 <<= 32"),
    Golden(0x77, dst: 1, imm: 32, "r1 >>= 32"),
    Golden(0xc7, dst: 1, imm: 32, "r1 s>>= 32"),
    Golden(0x87, dst: 1, "r1 = -r1"),
    Golden(0x84, dst: 1, "w1 = -w1"),
    Golden(0xd4, dst: 1, imm: 16, "r1 = le16 r1"),
    Golden(0xdc, dst: 1, imm: 64, "r1 = be64 r1"),
    Golden(0xd7, dst: 1, imm: 32, "r1 = bswap32 r1"),
  ]

  private static let memory = [
    Golden(0x71, dst: 1, src: 2, off: 1, "r1 = *(u8 *)(r2 +1)"),
    Golden(0x69, dst: 1, src: 2, off: 12, "r1 = *(u16 *)(r2 +12)"),
    Golden(0x61, dst: 2, src: 1, off: 4, "r2 = *(u32 *)(r1 +4)"),
    Golden(0x79, dst: 1, src: 10, off: -8, "r1 = *(u64 *)(r10 -8)"),
    Golden(0x91, dst: 1, src: 2, "r1 = *(s8 *)(r2 +0)"),
    Golden(0x81, dst: 1, src: 2, off: -4, "r1 = *(s32 *)(r2 -4)"),
    Golden(0x7a, dst: 10, off: -16, imm: 5, "*(u64 *)(r10 -16) = 5"),
    Golden(0x63, dst: 10, src: 6, off: -4, "*(u32 *)(r10 -4) = r6"),
    Golden(0xdb, dst: 1, src: 2, "lock *(u64 *)(r1 +0) += r2"),
    Golden(0xc3, dst: 1, src: 2, off: 4, imm: 0x40, "lock *(u32 *)(r1 +4) |= r2"),
    Golden(0xdb, dst: 1, src: 2, imm: 0x01, "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)"),
    Golden(0xc3, dst: 1, src: 2, imm: 0xa1, "r2 = atomic_fetch_xor((u32 *)(r1 +0), r2)"),
    Golden(0xdb, dst: 1, src: 2, imm: 0xe1, "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"),
    Golden(0xdb, dst: 1, src: 2, off: -8, imm: 0xf1, "r0 = atomic64_cmpxchg((u64 *)(r1 -8), r0, r2)"),
    Golden(0xdb, dst: 1, src: 2, imm: 0x100, "r1 = load_acquire((u64 *)(r2 +0))"),
    Golden(0xd3, dst: 1, src: 2, imm: 0x110, "store_release((u8 *)(r1 +0), r2)"),
    Golden(0x30, imm: 23, "r0 = *(u8 *)skb[23]"),
    Golden(0x48, src: 7, imm: 2, "r0 = *(u16 *)skb[r7 + 2]"),
  ]

  private static let jumps = [
    Golden(0x05, off: -7, "goto pc-7"),
    Golden(0x06, imm: 70_000, "gotol pc+70000"),
    Golden(0x55, off: 2, "if r0 != 0x0 goto pc+2"),
    Golden(0x15, off: 2, "if r0 == 0x0 goto pc+2"),
    Golden(0x2d, dst: 1, src: 2, off: 36, "if r1 > r2 goto pc+36"),
    Golden(0x45, dst: 1, off: 1, imm: 4, "if r1 & 0x4 goto pc+1"),
    Golden(0xc5, dst: 1, off: -3, imm: -1, "if r1 s< 0xffffffff goto pc-3"),
    Golden(0xde, dst: 1, src: 2, off: 1, "if w1 s<= w2 goto pc+1"),
    Golden(0x16, dst: 1, off: 1, imm: 16, "if w1 == 0x10 goto pc+1"),
    Golden(0xe5, off: 9, "may_goto pc+9"),
    Golden(0x85, imm: 6, "call helper#6"),
    Golden(0x85, src: 1, imm: 5, "call pc+5"),
    Golden(0x85, src: 2, imm: 1234, "call kfunc#1234"),
    Golden(0x95, "exit"),
  ]

  @Test("a helper by its name, as far as it is known") func helperNames() {
    let call = Instruction(opcode: 0x85, imm: 6)
    #expect(call.text(following: nil, helper: { $0 == 6 ? "trace_printk" : nil }) == "call bpf_trace_printk#6")
    #expect(call.text(following: nil, helper: { _ in nil }) == "call helper#6")
  }

  @Test("as the verifier writes it", arguments: arithmetic + memory + jumps)
  func golden(_ row: Golden) { #expect(row.instruction.description == row.text) }

  @Test(
    "what no kernel knows is shown by its bytes",
    arguments: [
      Golden(0xff, dst: 1, src: 2, off: 3, imm: 4, ".insn 0xff12000300000004"),
      Golden(0x05, src: 5, off: 1, ".insn 0x0505000100000000"),
      Golden(0x85, src: 9, imm: 1, ".insn 0x8509000000000001"),
      Golden(0xd4, dst: 1, imm: 8, ".insn 0xd410000000000008"),
      Golden(0xdb, dst: 1, src: 2, imm: 0x30, ".insn 0xdb12000000000030"),
      Golden(0xcb, dst: 1, src: 2, ".insn 0xcb12000000000000"),
      Golden(0xbf, dst: 1, src: 2, off: 7, ".insn 0xbf12000700000000"),
      Golden(0x38, ".insn 0x3800000000000000"),
      Golden(0x18, dst: 1, src: 7, ".insn 0x1817000000000000"),
    ])
  func unknown(_ row: Golden) { #expect(row.instruction.description == row.text) }

  @Test(
    "a 16-byte instruction takes its upper half from the next slot",
    arguments: [
      (src: UInt8(0), imm: Int32(-1), upper: Int32(1), text: "r1 = 0x1ffffffff ll"),
      (src: 1, imm: 2, upper: 0, text: "r1 = map[slot 2] ll"),
      (src: 2, imm: 2, upper: 24, text: "r1 = map[slot 2][0]+24 ll"),
      (src: 3, imm: 77, upper: 0, text: "r1 = ksym[btf_id:77] ll"),
      (src: 4, imm: -3, upper: 0, text: "r1 = subprog[-3] ll"),
      (src: 5, imm: 1, upper: 0, text: "r1 = map[idx:1] ll"),
      (src: 6, imm: 1, upper: 8, text: "r1 = map[idx:1][0]+8 ll"),
    ])
  func wide(src: UInt8, imm: Int32, upper: Int32, text: String) {
    let first = Instruction(opcode: Instruction.Opcode.loadImm64, dst: 1, src: src, imm: imm)
    #expect(first.text(following: Instruction(opcode: 0, imm: upper)) == text)
  }

  @Test func mapsAreNamedByTheCaller() {
    let first = Instruction(opcode: Instruction.Opcode.loadImm64, dst: 1, src: Instruction.Pseudo.mapFD, imm: 9)
    #expect(first.text(following: nil) { "id:\($0)" } == "r1 = map[id:9] ll")
  }

  /// Every opcode with every flavour in `src` and with extremes elsewhere gets some text of one line.
  @Test func nothingTraps() {
    let extremes: [(off: Int16, imm: Int32)] = [
      (0, 0), (1, 1), (-1, -1), (.min, .min), (.max, .max), (8, 16), (16, 32), (32, 64), (0, 0xe1), (0, 0xf1),
    ]
    var texts = 0
    for opcode in UInt8.min...UInt8.max {
      for src in UInt8(0)...15 {
        for extreme in extremes {
          let insn = Instruction(opcode: opcode, dst: 15 - src, src: src, off: extreme.off, imm: extreme.imm)
          let text = insn.text(following: Instruction(opcode: 0, imm: .min))
          if !text.isEmpty, !text.contains("\n") { texts += 1 }
        }
      }
    }
    #expect(texts == 256 * 16 * extremes.count)
  }
}
