// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A named network namespace, as `ip netns` keeps them under /run/netns, or the one this process is in.
public struct NetworkNamespace: Hashable, Sendable {
  /// Its name, or the path of its file; nil for the present one.
  public let name: String?

  /// The namespace of this name or, where it has a slash, in this file.
  public init(_ name: String?) { self.name = name }

  /// Runs `body` with this thread in the namespace. Mounts stay as they are, unlike under `ip netns exec`.
  ///
  /// Requires CAP_SYS_ADMIN unless it is the present one. The C function is `setns`.
  func enter<R>(_ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    guard let name else { return try body() }
    let path: FilePath = name.contains("/") ? FilePath(name) : FilePath("/run/netns").appending(name)
    let target = try Self.open(path, name: name)
    let home = try Self.open("/proc/thread-self/ns/net", name: "the present one")
    guard sk_enter_netns(target.rawValue) == 0 else {
      throw .kernel(
        Errno(rawValue: errno), "cannot enter the network namespace '\(name)'", needs: [.sysAdmin])
    }
    let result = Result(catching: body)
    guard sk_enter_netns(home.rawValue) == 0 else {
      throw .kernel(Errno(rawValue: errno), "cannot come back from the network namespace '\(name)'", needs: [.sysAdmin])
    }
    return try result.get()
  }

  private static func open(_ path: FilePath, name: String) throws(StaticKeysError) -> OwnedFD {
    let fd = Glibc.open(path.string, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else {
      let errno = Errno(rawValue: Glibc.errno)
      guard errno == .noSuchFileOrDirectory else {
        throw .kernel(errno, "cannot open the network namespace '\(name)'", needs: [.sysAdmin])
      }
      throw StaticKeysError(
        .notFound, "there is no network namespace '\(name)'", errno: errno.rawValue, advice: "see 'ip netns list'")
    }
    return OwnedFD(owning: fd)
  }
}
