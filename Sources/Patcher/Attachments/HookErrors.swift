// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Errno {
  /// What netlink says of an interface that is gone; swift-system has it under another meaning.
  static let noSuchDevice = Errno(rawValue: Glibc.ENODEV)
}

extension StaticKeysError {
  /// A hook holds something else than what was to be replaced there.
  static func hookChanged(
    _ hook: String, holds current: UInt32?, not old: ProgramHandle, errno: Errno? = nil
  ) -> StaticKeysError {
    let now = current.map { $0 == 0 ? "holds no program" : "holds program \($0)" } ?? "is gone"
    return StaticKeysError(
      .changedMeanwhile, "\(hook) \(now) now, not \(old.id)", errno: errno?.rawValue, advice: "run the command again")
  }
}
