// SPDX-License-Identifier: Apache-2.0

/// The frame around the bytes of a template or instance map, and of a template file:
///
///     magic u32 | version u16 | reserved u16 = 0 | length u32 | checksum u64 | body …
///
/// All little-endian; `length` counts the body, and the checksum (64-bit FNV-1a) covers everything but itself.
struct Envelope {
  /// What the body is: "SKTM" a template, "SKIN" an instance, "SKTF" a template file.
  let magic: UInt32
  /// What it is called in messages.
  let name: String
  /// The one version that this code reads and writes.
  let version: UInt16
  /// What the version of keyctl that wrote it has done.
  let made: String
  /// How this version makes it anew.
  let remedy: String

  static let template = inKernel(magic: 0x4d54_4b53, name: "template")
  static let instance = inKernel(magic: 0x4e49_4b53, name: "instance")
  static let collection = Envelope(
    magic: 0x4654_4b53, name: "template file", version: 1, made: "built it",
    remedy: "build it again with this one's 'template build'")

  private static func inKernel(magic: UInt32, name: String) -> Envelope {
    Envelope(
      magic: magic, name: name, version: 2, made: "loaded it", remedy: "unload and load it again with this one")
  }

  private static let headerSize = 20

  /// Whether bytes begin as such a frame does.
  func begins(_ bytes: [UInt8]) -> Bool {
    var reader = ByteReader(bytes.prefix(4))
    return (try? reader.read(UInt32.self)) == magic
  }

  func wrap(_ body: [UInt8]) -> [UInt8] {
    var header = ByteWriter()
    header.write(magic)
    header.write(version)
    header.write(UInt16(0))
    header.write(UInt32(truncatingIfNeeded: body.count))
    var whole = header
    whole.write(Self.checksum(header.bytes[...], body[...]))
    return whole.bytes + body
  }

  /// The body. Bytes after it must be zero: a map's value may be longer than what was put into it.
  func unwrap(_ bytes: [UInt8]) throws(StaticKeysError) -> ArraySlice<UInt8> {
    var reader = ByteReader(bytes[...])
    guard try reader.read(UInt32.self) == magic else {
      throw StaticKeysError(.corruptedTemplate, "is no \(name): its first bytes are others")
    }
    // The version comes before all else: a newer one may have another frame.
    let version = try reader.read(UInt16.self)
    guard version <= self.version else {
      throw StaticKeysError(
        .futureVersion, "\(name) has version \(version), this program knows up to \(self.version)",
        advice: "use the version of keyctl that \(made), or a newer one")
    }
    guard version == self.version else {
      throw StaticKeysError(
        .pastVersion, "\(name) has version \(version), this program knows only \(self.version)",
        advice: "use the version of keyctl that \(made), or \(remedy)")
    }
    let reserved = try reader.read(UInt16.self)
    let length = Int(try reader.read(UInt32.self))
    let checksum = try reader.read(UInt64.self)
    let body = try reader.take(length)
    guard reserved == 0, checksum == Self.checksum(bytes[..<12], body),
      bytes[body.endIndex...].allSatisfy({ $0 == 0 })
    else { throw StaticKeysError(.corruptedTemplate, "\(name) is damaged: its checksum does not match") }
    return body
  }

  private static func checksum(_ parts: ArraySlice<UInt8>...) -> UInt64 {
    parts.reduce(0xcbf2_9ce4_8422_2325) { start, part in
      part.withUnsafeBytes { bytes in
        var hash: UInt64 = start
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
      }
    }
  }
}
