// SPDX-License-Identifier: Apache-2.0

/// Builds the little-endian bytes of a template or instance.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<(value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func write(count: Int) { write(UInt32(truncatingIfNeeded: count)) }

  /// Bytes after their 32-bit count.
  mutating func write(counted data: [UInt8]) {
    write(UInt32(truncatingIfNeeded: data.count))
    bytes += data
  }

  mutating func write(_ text: String) { write(counted: Array(text.utf8)) }
}

/// Takes values from bytes that nobody vouches for; running out of them is an error, never a trap.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position == bytes.endIndex }

  mutating func take(_ count: Int) throws(StaticKeysError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.endIndex - position else {
      throw StaticKeysError(.corruptedTemplate, "ends in the middle of a value")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func read<T: FixedWidthInteger>(_: T.Type = T.self) throws(StaticKeysError) -> T {
    var value: T = 0
    for (i, byte) in try take(T.bitWidth / 8).enumerated() { value |= T(truncatingIfNeeded: byte) << T(i * 8) }
    return value
  }

  mutating func readBool() throws(StaticKeysError) -> Bool {
    switch try read(UInt8.self) {
    case 0: return false
    case 1: return true
    case let other: throw StaticKeysError(.corruptedTemplate, "holds \(other) where 0 or 1 must be")
    }
  }

  mutating func readCounted() throws(StaticKeysError) -> [UInt8] { Array(try take(Int(read(UInt32.self)))) }

  mutating func readString() throws(StaticKeysError) -> String {
    guard let text = String(validating: try readCounted(), as: UTF8.self) else {
      throw StaticKeysError(.corruptedTemplate, "holds a name that is not UTF-8")
    }
    return text
  }

  /// A count of things that take at least `size` bytes each, so that no hostile count reserves memory.
  mutating func readCount(ofSize size: Int) throws(StaticKeysError) -> Int {
    let count = Int(try read(UInt32.self))
    guard count <= (bytes.endIndex - position) / size else {
      throw StaticKeysError(.corruptedTemplate, "counts \(count) records where there is no room for them")
    }
    return count
  }
}
