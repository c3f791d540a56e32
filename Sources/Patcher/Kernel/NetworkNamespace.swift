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
  /// Where `ip netns` keeps them.
  static let directory: FilePath = "/run/netns"

  /// Its name, or the path of its file; nil for the present one.
  public let name: String?

  /// The namespace of this name or, where it has a slash, in this file.
  public init(_ name: String?) { self.name = name }

  /// Runs `body` with this thread in the namespace. Mounts stay as they are, unlike under `ip netns exec`.
  ///
  /// Requires CAP_SYS_ADMIN unless it is the present one. The C function is `setns`.
  func enter<R>(_ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    try hold(system: BPFSystem()).enter(body)
  }

  /// Keeps the namespace, whatever becomes of its name.
  ///
  /// - Throws: `.notFound` if there is none of that name.
  func hold(system: BPFSystem) throws(StaticKeysError) -> HeldNamespace {
    guard let name else { return HeldNamespace(name: nil, file: nil) }
    let path = name.contains("/") ? FilePath(name) : Self.directory.appending(name)
    do throws(Errno) {
      return HeldNamespace(name: name, file: try system.openNamespace(path))
    } catch .noSuchFileOrDirectory {
      throw StaticKeysError(
        .notFound, "there is no network namespace '\(name)'", errno: Errno.noSuchFileOrDirectory.rawValue,
        advice: "see 'ip netns list'")
    } catch {
      throw .kernel(error, "cannot open the network namespace '\(name)'", needs: [.sysAdmin])
    }
  }
}

/// A network namespace that is there for as long as this is.
struct HeldNamespace: Sendable {
  /// As hooks name it: a name or a path; nil for the present one.
  let name: String?
  private let file: SharedFD?

  /// The namespace of an open file; the present one needs none.
  init(name: String?, file: SharedFD?) {
    self.name = name
    self.file = file
  }

  /// Runs `body` with this thread in the namespace.
  func enter<R>(_ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    guard let name, let file else { return try body() }
    let home: SharedFD
    do throws(Errno) {
      home = try BPFSystem().openNamespace("/proc/thread-self/ns/net")
    } catch {
      throw .kernel(error, "cannot open the present network namespace", needs: [.sysAdmin])
    }
    guard file.withRaw(sk_enter_netns) == 0 else {
      throw .kernel(
        Errno(rawValue: errno), "cannot enter the network namespace '\(name)'", needs: [.sysAdmin])
    }
    let result = Result(catching: body)
    guard home.withRaw(sk_enter_netns) == 0 else {
      throw .kernel(Errno(rawValue: errno), "cannot come back from the network namespace '\(name)'", needs: [.sysAdmin])
    }
    return try result.get()
  }

  /// A descriptor of the namespace.
  func descriptor(system: BPFSystem) throws(Errno) -> SharedFD {
    if let file { return file }
    return try system.openNamespace("/proc/thread-self/ns/net")
  }

  /// A device in it, as hooks name it: `DEV` or `DEV@NETNS`.
  func qualified(_ device: String) -> String { device + (name.map { "@\($0)" } ?? "") }
}
