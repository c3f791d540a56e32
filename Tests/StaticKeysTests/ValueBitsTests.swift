// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StaticKeys

@Suite struct ValueBitsTests {
  @Test("bits count from the low end in little-endian order, from the high end in big-endian order")
  func orders() {
    let bytes: [UInt8] = [0x12, 0x34, 0x56, 0x78]
    #expect(ValueBits.read(bytes, at: 0, count: 32, order: .little) == 0x7856_3412)
    #expect(ValueBits.read(bytes, at: 0, count: 32, order: .big) == 0x1234_5678)
    #expect(ValueBits.read(bytes, at: 4, count: 8, order: .little) == 0x41)
    #expect(ValueBits.read(bytes, at: 4, count: 8, order: .big) == 0x23)
  }

  @Test("what was written is read again, and no other bit changes", arguments: [ByteOrder.little, .big])
  func writing(order: ByteOrder) {
    for offset in 0..<16 {
      for count in 1...16 {
        var bytes: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        #expect(ValueBits.write(0, to: &bytes, at: offset, count: count, order: order))
        #expect(ValueBits.read(bytes, at: offset, count: count, order: order) == 0)
        #expect(bytes.reduce(0) { $0 + $1.nonzeroBitCount } == 32 - count)
      }
    }
  }

  @Test("bits that are not there are neither read nor written")
  func bounds() {
    var bytes: [UInt8] = [0, 0]
    for (offset, count) in [(9, 8), (-1, 4), (0, 17), (0, 0), (Int.max, 1), (0, 129)] {
      #expect(ValueBits.read(bytes, at: offset, count: count) == nil)
      #expect(!ValueBits.write(1, to: &bytes, at: offset, count: count))
    }
    #expect(bytes == [0, 0])
  }
}
