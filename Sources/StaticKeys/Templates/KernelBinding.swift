// SPDX-License-Identifier: Apache-2.0

/// The one kernel that a template is good for, and why.
public struct KernelBinding: Hashable, Sendable {
  /// Which kernel.
  public var kernel: KernelIdentity
  /// What in the template was made for it, for people: "CO-RE relocations".
  public var reasons: [String]

  /// A binding from its parts.
  public init(kernel: KernelIdentity, reasons: [String]) {
    self.kernel = kernel
    self.reasons = reasons
  }

  /// - Throws: `.unsupported`, with the names of both kernels, if `running` is another one.
  public func require(_ running: KernelIdentity) throws(StaticKeysError) {
    guard running != kernel else { return }
    let isRebuilt = running.release == kernel.release
    throw StaticKeysError(
      .unsupported,
      "it was built for kernel \(isRebuilt ? kernel.description : kernel.release), and this is "
        + (isRebuilt ? running.description : running.release),
      advice: "build it again here: it has \(reasons.joined(separator: ", ")), which hold for one kernel")
  }
}

/// A kernel by its name and its types.
public struct KernelIdentity: Hashable, Sendable, CustomStringConvertible {
  /// What `uname -r` says.
  public var release: String
  /// A hash of the kernel's BTF; 0 if it has none.
  public var typesHash: UInt64

  /// A kernel by its release and `hash(ofTypes:)`.
  public init(release: String, typesHash: UInt64) {
    self.release = release
    self.typesHash = typesHash
  }

  public var description: String {
    let hex = String(typesHash, radix: 16)
    return "\(release) (types \(String(repeating: "0", count: 16 - hex.count))\(hex))"
  }

  /// The hash of the bytes of a kernel's BTF: 64-bit FNV-1a over words, the last one filled up with zeros.
  public static func hash(ofTypes bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { bytes in
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      var offset = 0
      while offset + 8 <= bytes.count {
        hash =
          (hash ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
          &* 0x100_0000_01b3
        // A product moves nothing down: without this the upper bits of a word would hardly count.
        hash ^= hash >> 32
        offset += 8
      }
      let rest = bytes[offset...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return (hash ^ rest ^ UInt64(bytes.count)) &* 0x100_0000_01b3
    }
  }
}
