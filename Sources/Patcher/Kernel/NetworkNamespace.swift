// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A named network namespace, as `ip netns` keeps them under /run/netns, or the one this process is in.
public struct NetworkNamespace: Hashable, Sendable {
  /// Where `ip netns` keeps them.
  static let directory: FilePath = "/run/netns"

  /// Its name, or the path of its file; nil for the present one.
  public let name: String?

  /// The namespace of this name or, where it has a slash, in this file.
  public init(_ name: String?) { self.name = name }

  /// Runs `body` in the namespace. Mounts stay as they are, unlike under `ip netns exec`.
  ///
  /// Requires CAP_SYS_ADMIN unless it is the present one. The C function is `setns`.
  func enter<R>(
    system: BPFSystem, _ body: () throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    try hold(system: system).enter(system: system, body)
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

  /// Runs `body` in the namespace, on a thread that ends with it: this one never leaves its own.
  func enter<R>(
    system: BPFSystem, _ body: () throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    guard let name, let file else { return try body() }
    return try OwnThread.run { () throws(StaticKeysError) in
      do throws(Errno) {
        try system.enterNamespace(file)
      } catch {
        throw .kernel(error, "cannot enter the network namespace '\(name)'", needs: [.sysAdmin])
      }
      return try body()
    }
  }

  /// A descriptor of the namespace.
  func descriptor(system: BPFSystem) throws(Errno) -> SharedFD {
    if let file { return file }
    return try system.openNamespace("/proc/thread-self/ns/net")
  }

  /// A device in it, as hooks name it: `DEV` or `DEV@NETNS`.
  func qualified(_ device: String) -> String { device + (name.map { "@\($0)" } ?? "") }
}
