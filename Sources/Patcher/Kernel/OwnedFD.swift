// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one owner of a file descriptor; closes it when it goes out of scope.
struct OwnedFD: ~Copyable, Sendable {
  /// The number, for as long as the owner lives.
  let rawValue: Int32

  /// Takes over an open descriptor.
  init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit { close(rawValue) }
}

/// A descriptor that several hold, for collections, which cannot hold noncopyable values.
final class SharedFD: Sendable {
  private let owned: OwnedFD

  /// Shares a descriptor; it is closed with the last reference.
  init(_ owned: consuming OwnedFD) { self.owned = owned }

  /// A descriptor of its own for what another library's descriptor stands for.
  static func duplicate(_ raw: Int32) throws(StaticKeysError) -> SharedFD {
    let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else {
      throw .kernel(Errno(rawValue: errno), "cannot duplicate a descriptor")
    }
    return SharedFD(OwnedFD(owning: copy))
  }

  /// Gives `body` the number, and keeps the descriptor open until it is done: the optimizer may drop the last reference
  /// to an object right after the last use of the object itself.
  func withRaw<R, E: Error>(_ body: (Int32) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(owned.rawValue)
  }
}
