// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Foundation

/// A network namespace of a test's own; it is deleted when the last reference goes.
public final class NetNS: Sendable {
  /// Its name, as `ip netns` and `DEV@NETNS` take it.
  public let name: String

  /// The file that stands for it.
  public var path: String { "/run/netns/\(name)" }

  /// Makes an empty namespace in which IPv6 is off, so that nothing sends packets unasked. Needs root.
  public init() throws {
    _ = try Self.sweepOnce.get()
    name = OwnName.make()
    try run(["ip", "netns", "add", name]).checked()
    let script = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done"
    try run(command(["sh", "-c", script])).checked()
  }

  deinit { _ = try? run(["ip", "netns", "del", name]) }

  /// A command that runs `inner` in this namespace.
  ///
  /// Not `ip netns exec`, which also gives the command a /sys of its own, and so hides the machine's bpffs.
  public func command(_ inner: [String]) -> [String] { ["nsenter", "--net=\(path)"] + inner }

  /// Runs several `ip` commands in this namespace, one a line.
  public func ip(_ batch: String) throws {
    try run(["ip", "-n", name, "-batch", "-"], input: batch).checked()
  }

  /// The index of an interface in this namespace.
  public func index(of device: String) throws -> UInt32 {
    let found = try onThread { if_nametoindex(device) }
    guard found != 0 else { throw HarnessError("no interface \(device) in \(name)") }
    return found
  }

  /// Runs `body` on a thread of its own that is in this namespace, and waits for it; the caller's thread never moves.
  public func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
    let thread = NamespaceThread(path: path, body)
    return try thread.join()
  }

  /// Deletes the namespaces that test processes left behind which were killed, by the names they bear.
  @discardableResult
  public static func sweep() throws -> [String] {
    let orphans = OwnName.orphans(in: "/run/netns")
    for name in orphans { try run(["ip", "netns", "del", name]).checked() }
    return orphans
  }

  private static let sweepOnce = Result { try sweep() }
}
