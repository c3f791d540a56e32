// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation

/// What is there at one moment: this process's open files, and all BPF objects of the machine.
public struct KernelCensus: Sendable {
  /// What is counted.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// An open file of this process.
    case fd
    /// A loaded BPF program.
    case program
    /// A BPF map.
    case map
    /// A BPF link.
    case link
    /// A BTF object.
    case btf
  }

  /// One thing that was there.
  public struct Item: Sendable, Hashable, CustomStringConvertible {
    /// What it is.
    public let kind: Kind
    /// Its number or id.
    public let id: UInt32
    /// Its name, or what the file descriptor stands for.
    public let name: String

    public var description: String { "\(kind.rawValue) \(id) \(name)" }
  }

  /// All that was there.
  public let items: Set<Item>

  /// Counts things of these kinds now. All but `fd` need root.
  public static func take(_ kinds: Set<Kind> = Set(Kind.allCases)) throws -> KernelCensus {
    var items: Set<Item> = []
    if kinds.contains(.fd) { items.formUnion(try openFiles()) }
    for kind in kinds where kind != .fd {
      for id in try BPF.ids(of: kind) {
        // Gone between two calls: then it is not there.
        if let name = BPF.name(of: kind, id: id) { items.insert(Item(kind: kind, id: id, name: name)) }
      }
    }
    return KernelCensus(items: items)
  }

  /// What has come since `before` and stays for the whole of `patience`.
  ///
  /// The kernel frees its objects some time after the last reference went (RCU, work queues), and other tests of this
  /// process open files meanwhile; neither stays.
  public static func leftovers(
    since before: KernelCensus, of kinds: Set<Kind> = Set(Kind.allCases), patience: Duration = .seconds(3)
  ) async throws -> [Item] {
    let deadline = ContinuousClock.now + patience
    // A program array that is opened by its id before the kernel has cleared it stays for ever, see `DelayedClose`.
    if kinds.contains(.map) { try await Task.sleep(for: Emulation.isOn ? .milliseconds(100) : .milliseconds(30)) }
    var left = try take(kinds).items.subtracting(before.items)
    while !left.isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
      left.formIntersection(try take(kinds).items)
    }
    return left.sorted { ($0.kind.rawValue, $0.id) < ($1.kind.rawValue, $1.id) }
  }

  private static func openFiles() throws -> [Item] {
    guard let folder = opendir("/proc/self/fd") else { throw HarnessError("/proc/self/fd", errno: errno) }
    defer { closedir(folder) }
    var items: [Item] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let fd = UInt32(name), fd != UInt32(dirfd(folder)) else { continue }
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(fd)") else {
        continue
      }
      // Swift's runtime (Dispatch) opens these when it first sleeps and keeps them; the project uses none.
      if ["anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[eventfd]"].contains(target) { continue }
      items.append(Item(kind: .fd, id: fd, name: target))
    }
    return items
  }
}
