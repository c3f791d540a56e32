// SPDX-License-Identifier: Apache-2.0

/// The order of bytes, and of the two register nibbles, in an object file.
public enum ByteOrder: Sendable, Hashable {
  /// bpfel
  case little
  /// bpfeb
  case big

  /// The order of the machine this runs on, in which the kernel takes instructions.
  public static var host: ByteOrder { UInt16(1).littleEndian == 1 ? .little : .big }
}

extension Instruction {
  /// The slot in these 8 bytes; nil if there are not exactly 8.
  public init?(bytes: some Collection<UInt8>, order: ByteOrder) {
    guard bytes.count == Self.size else { return nil }
    let b = Array(bytes)
    let off: UInt16
    let imm: UInt32
    switch order {
    case .little:
      off = UInt16(b[2]) | UInt16(b[3]) << 8
      imm = UInt32(b[4]) | UInt32(b[5]) << 8 | UInt32(b[6]) << 16 | UInt32(b[7]) << 24
      self.init(opcode: b[0], dst: b[1] & 0xf, src: b[1] >> 4, off: Int16(bitPattern: off), imm: Int32(bitPattern: imm))
    case .big:
      off = UInt16(b[3]) | UInt16(b[2]) << 8
      imm = UInt32(b[7]) | UInt32(b[6]) << 8 | UInt32(b[5]) << 16 | UInt32(b[4]) << 24
      self.init(opcode: b[0], dst: b[1] >> 4, src: b[1] & 0xf, off: Int16(bitPattern: off), imm: Int32(bitPattern: imm))
    }
  }

  /// The slot's 8 bytes.
  public func bytes(order: ByteOrder) -> [UInt8] {
    let off = UInt16(bitPattern: self.off)
    let imm = UInt32(bitPattern: self.imm)
    switch order {
    case .little:
      return [
        opcode, dst | src << 4, UInt8(truncatingIfNeeded: off), UInt8(truncatingIfNeeded: off >> 8),
        UInt8(truncatingIfNeeded: imm), UInt8(truncatingIfNeeded: imm >> 8),
        UInt8(truncatingIfNeeded: imm >> 16), UInt8(truncatingIfNeeded: imm >> 24),
      ]
    case .big:
      return [
        opcode, dst << 4 | src, UInt8(truncatingIfNeeded: off >> 8), UInt8(truncatingIfNeeded: off),
        UInt8(truncatingIfNeeded: imm >> 24), UInt8(truncatingIfNeeded: imm >> 16),
        UInt8(truncatingIfNeeded: imm >> 8), UInt8(truncatingIfNeeded: imm),
      ]
    }
  }
}
