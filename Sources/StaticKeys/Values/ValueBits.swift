// SPDX-License-Identifier: Apache-2.0

/// Numbers of up to 128 bits at any bit of some bytes, as C's bitfields and whole integers have them.
///
/// In little-endian order bits count from the lowest of the first byte, in big-endian order from its highest.
enum ValueBits {
  /// The number in these bits; nil if they do not lie in `bytes`.
  static func read(_ bytes: [UInt8], at offset: Int, count: Int, order: ByteOrder = .host) -> UInt128? {
    guard fits(offset, count, bytes) else { return nil }
    var value: UInt128 = 0
    for i in 0..<count {
      let bit = UInt128(bytes[(offset + i) / 8] >> shift(offset + i, order) & 1)
      value = order == .little ? value | bit << UInt128(i) : value << 1 | bit
    }
    return value
  }

  /// Puts a number's low bits there; false if they do not lie in `bytes`.
  static func write(
    _ value: UInt128, to bytes: inout [UInt8], at offset: Int, count: Int, order: ByteOrder = .host
  ) -> Bool {
    guard fits(offset, count, bytes) else { return false }
    for i in 0..<count {
      let place = order == .little ? i : count - 1 - i
      let bit = UInt8(truncatingIfNeeded: value >> UInt128(place) & 1)
      let mask = UInt8(1) << shift(offset + i, order)
      bytes[(offset + i) / 8] = bytes[(offset + i) / 8] & ~mask | (bit == 1 ? mask : 0)
    }
    return true
  }

  private static func shift(_ bit: Int, _ order: ByteOrder) -> UInt8 {
    UInt8(order == .little ? bit % 8 : 7 - bit % 8)
  }

  private static func fits(_ offset: Int, _ count: Int, _ bytes: [UInt8]) -> Bool {
    offset >= 0 && (1...128).contains(count) && offset <= bytes.count * 8 - count
  }
}
