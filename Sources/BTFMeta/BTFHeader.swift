// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// The check of a `.BTF` section's header that has to come before libbpf sees it.
///
/// libbpf 1.1 checks the two parts' places as if the header had its own length, and reads beyond the data where it says
/// more.
enum BTFHeader {
  static func check(_ bytes: [UInt8]) throws(StaticKeysError) {
    let known = MemoryLayout<btf_header>.size
    guard bytes.count >= known else { throw refusal("\(bytes.count) bytes hold no whole header") }
    let header = bytes.withUnsafeBytes { $0.loadUnaligned(as: btf_header.self) }
    let swapped = header.magic == UInt16(BTF_MAGIC).byteSwapped
    guard swapped || header.magic == UInt16(BTF_MAGIC) else { throw refusal("the magic number is wrong") }
    func native(_ field: UInt32) -> Int { Int(swapped ? field.byteSwapped : field) }

    let length = native(header.hdr_len)
    guard length >= known, length <= bytes.count else { throw refusal("the header is \(length) bytes long") }
    let (types, strings) = (native(header.type_len), native(header.str_len))
    // The kernel allows no gaps either, and libbpf drops them when it writes.
    guard native(header.type_off) == 0, native(header.str_off) == types else {
      throw refusal("types and strings do not follow each other")
    }
    guard length + types + strings <= bytes.count else {
      throw refusal("truncated: types and strings end beyond the section's \(bytes.count) bytes")
    }
  }

  private static func refusal(_ message: String) -> StaticKeysError {
    StaticKeysError(.malformed, message, at: Place(section: BTFObject.section))
  }
}
