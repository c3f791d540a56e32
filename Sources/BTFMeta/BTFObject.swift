// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys

/// Type information: libbpf's `struct btf`, owned or lent.
///
/// Every type id and string offset that it is asked for is checked against the data's own bounds.
public struct BTFObject: ~Copyable {
  /// libbpf's `struct btf *`.
  let raw: OpaquePointer
  private let isOwned: Bool

  /// Parses the contents of a `.BTF` section, of either byte order; throws `.malformed`.
  ///
  /// The corresponding C function is `btf__new`.
  public init(bytes: [UInt8]) throws(StaticKeysError) {
    try BTFHeader.check(bytes)
    guard let size = UInt32(exactly: bytes.count), let raw = btf__new(bytes, size) else {
      let code = errno
      throw StaticKeysError(
        .malformed, "libbpf refuses the type information: \(String(cString: strerror(code)))",
        at: Place(section: BTFObject.section), errno: code)
    }
    self.raw = raw
    isOwned = true
  }

  /// Reads what the kernel holds under a BTF id, such as a program's; throws `.notFound`, `.permission` or `.kernel`.
  ///
  /// Requires Linux 4.18. The corresponding C function is `btf__load_from_kernel_by_id`.
  public init(kernelID id: UInt32) throws(StaticKeysError) {
    guard let raw = btf__load_from_kernel_by_id(id) else {
      let code = errno
      let kind: StaticKeysError.Code = code == ENOENT ? .notFound : code == EPERM ? .permission : .kernel
      throw StaticKeysError(
        kind, "cannot read BTF id \(id): \(String(cString: strerror(code)))", errno: code,
        advice: kind == .permission ? "run as root, or with CAP_SYS_ADMIN" : nil)
    }
    self.raw = raw
    isOwned = true
  }

  /// Lends a `struct btf *` that somebody else owns and frees, such as libbpf's `bpf_object__btf`.
  ///
  /// The owner has to outlive this value.
  public init(borrowing raw: OpaquePointer) {
    self.raw = raw
    isOwned = false
  }

  deinit {
    if isOwned { btf__free(raw) }
  }

  /// The ELF section that carries BTF.
  public static let section = ".BTF"

  /// How many types there are, counting `void`, which is id 0.
  public var typeCount: UInt32 { btf__type_cnt(raw) }

  /// The contents of a `.BTF` section, in the byte order that it was read in; throws `.malformed` if libbpf cannot.
  ///
  /// The corresponding C function is `btf__raw_data`.
  public borrowing func bytes() throws(StaticKeysError) -> [UInt8] {
    var size: UInt32 = 0
    guard let data = btf__raw_data(raw, &size) else {
      throw StaticKeysError(
        .malformed, "libbpf cannot write the type information", at: Place(section: Self.section), errno: errno)
    }
    return Array(UnsafeRawBufferPointer(start: data, count: Int(size)))
  }
}
