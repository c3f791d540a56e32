// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct OffsetsTests {
  struct InProgram: Sendable {
    let start: UInt32
    let offset: UInt32
    let sum: UInt32?
  }

  @Test(arguments: [
    InProgram(start: 0, offset: 0, sum: 0),
    InProgram(start: 10, offset: 4, sum: 14),
    InProgram(start: .max, offset: 0, sum: .max),
    InProgram(start: .max - 1, offset: 1, sum: .max),
    InProgram(start: .max, offset: 1, sum: nil),
    InProgram(start: 1, offset: .max, sum: nil),
    InProgram(start: .max, offset: .max, sum: nil),
  ])
  func functionOffsetAddsToTheFunctionsStart(_ row: InProgram) {
    let sum = FunctionOffset(row.offset).inProgram(functionStart: InsnOffset(row.start))
    #expect(sum == row.sum.map(InsnOffset.init))
  }

  struct Slot: Sendable {
    let byte: UInt64
    let start: UInt64
    let slot: UInt32?
  }

  @Test(arguments: [
    Slot(byte: 0, start: 0, slot: 0),
    Slot(byte: 8, start: 0, slot: 1),
    Slot(byte: 40, start: 8, slot: 4),
    Slot(byte: 8, start: 16, slot: nil),
    Slot(byte: 0, start: .max, slot: nil),
    Slot(byte: 8 * UInt64(UInt32.max), start: 0, slot: .max),
    Slot(byte: 8 * UInt64(UInt32.max) + 8, start: 0, slot: nil),
    Slot(byte: 8 * UInt64(UInt32.max) + 8, start: 8, slot: .max),
    Slot(byte: .max - 7, start: 0, slot: nil),
    Slot(byte: .max, start: .max, slot: 0),
  ])
  func byteIsASlotOfItsFunction(_ row: Slot) {
    #expect(ByteOffset(row.byte).slot(inFunctionAt: ByteOffset(row.start)) == row.slot.map(FunctionOffset.init))
  }

  /// The distance decides, not where the function lies: it may start at an odd byte in a damaged object.
  @Test func byteBetweenTwoSlotsIsNone() {
    for start in UInt64(0)..<16 {
      for distance in UInt64(0)..<64 {
        let slot = ByteOffset(start + distance).slot(inFunctionAt: ByteOffset(start))
        #expect(slot == (distance % 8 == 0 ? FunctionOffset(UInt32(distance / 8)) : nil))
      }
    }
  }

  @Test func offsetsCompareByNumber() {
    #expect(InsnOffset(1) < InsnOffset(2))
    #expect(!(InsnOffset(2) < InsnOffset(2)))
    #expect(FunctionOffset(9) < FunctionOffset(10))
    #expect(ByteOffset(0x10) < ByteOffset(0x100))
  }

  @Test func offsetsPrintAsListingsDo() {
    #expect("\(InsnOffset(17))" == "17")
    #expect("\(FunctionOffset(4_294_967_295))" == "4294967295")
    #expect("\(ByteOffset(0x38))" == "0x38")
    #expect(InsnOffset(7).index == 7)
  }
}

@Suite struct JumpOffsetTests {
  struct Limit: Sendable {
    let insn: UInt32
    let target: UInt32
    let off: Int16?
  }

  @Test(arguments: [
    Limit(insn: 4, target: 5, off: 0),
    Limit(insn: 4, target: 6, off: 1),
    Limit(insn: 4, target: 4, off: nil),  // to itself: off would be -1
    Limit(insn: 4, target: 3, off: nil),
    Limit(insn: 0, target: 32_768, off: 32_767),
    Limit(insn: 0, target: 32_769, off: nil),  // off would be 32768
    Limit(insn: .max - 1, target: .max, off: 0),
    Limit(insn: .max, target: .max, off: nil),
    Limit(insn: .max, target: 0, off: nil),
    Limit(insn: 0, target: .max, off: nil),
  ])
  func limits(_ row: Limit) {
    #expect(JumpOffset(from: row.insn, to: row.target)?.rawValue == row.off)
  }

  @Test func everyReachableTargetAndNoOther() {
    let insn: UInt32 = 1000
    let wrong = (UInt32(0)...70_000).filter { target in
      let reachable = target > insn && target <= insn + 32_768
      return JumpOffset(from: insn, to: target)?.rawValue != (reachable ? Int16(target - insn - 1) : nil)
    }
    #expect(wrong == [])
  }
}
