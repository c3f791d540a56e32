// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A line of /proc/self/mountinfo, as far as tests care.
public struct Mount: Sendable, Hashable {
  /// Where it is.
  public let path: String
  /// Which part of its file system is seen there; "/" for all of it.
  public let root: String
  /// Its file system's type.
  public let type: String

  /// A mount.
  public init(path: String, root: String, type: String) {
    self.path = path
    self.root = root
    self.type = type
  }

  /// The mounts in a mountinfo text.
  public static func parse(_ mountinfo: String) -> [Mount] {
    mountinfo.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.endIndex else { return nil }
      // The kernel writes a space in a path as \040.
      let path = fields[4].replacingOccurrences(of: "\\040", with: " ")
      return Mount(path: path, root: String(fields[3]), type: String(fields[dash + 1]))
    }
  }

  /// Where a whole file system of this type is mounted, nil if nowhere but at a test's temporary folder.
  public static func path(of type: String) throws -> String? {
    let text = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    return parse(text).first { $0.type == type && $0.root == "/" && !$0.path.contains("/sk-") }?.path
  }
}

/// A folder of a test's own, removed with all it holds when the last reference goes.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: String

  /// Makes an empty folder.
  public init() throws {
    path = FileManager.default.temporaryDirectory.path + "/" + OwnName.make()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file into it and returns its path.
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }
}

/// A file system of a type, where the machine has it mounted, or mounted at a temporary folder for the test.
public final class FileSystemMount: Sendable {
  /// Where it is.
  public let path: String
  private let isOwn: Bool

  /// Finds or mounts one, such as `bpf` or `cgroup2`. Mounting needs root.
  public init(_ type: String) throws {
    if let found = try Mount.path(of: type) {
      path = found
      isOwn = false
      return
    }
    path = FileManager.default.temporaryDirectory.path + "/" + OwnName.make()
    isOwn = true
    guard mkdir(path, 0o700) == 0 else { throw HarnessError(path, errno: errno) }
    try run(["mount", "-t", type, "none", path]).checked()
  }

  deinit {
    guard isOwn else { return }
    _ = try? run(["umount", path])
    // Never with all it holds: were it still mounted, that would be the machine's.
    rmdir(path)
  }
}

/// A cgroup (version 2) of a test's own, removed when the last reference goes.
public final class Cgroup: Sendable {
  /// Its folder.
  public let path: String
  private let mount: FileSystemMount

  /// Makes an empty cgroup, and removes those that killed test processes left. Needs root.
  public init() throws {
    mount = try FileSystemMount("cgroup2")
    for orphan in OwnName.orphans(in: mount.path) { rmdir("\(mount.path)/\(orphan)") }
    path = "\(mount.path)/\(OwnName.make())"
    guard mkdir(path, 0o755) == 0 else { throw HarnessError(path, errno: errno) }
  }

  deinit {
    // Busy for a moment after its last process has ended.
    _ = eventually(within: .seconds(2)) { rmdir(path) == 0 || errno != EBUSY }
  }

  /// Runs `body` with this process in this cgroup: sockets that it makes stay with the cgroup.
  public func adopting<Result>(_ body: () throws -> Result) throws -> Result {
    let own = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)
    guard let home = own.split(separator: "\n").first(where: { $0.hasPrefix("0::") })?.dropFirst(3) else {
      throw HarnessError("this process is in no cgroup of version 2")
    }
    func enter(_ path: String) throws {
      try Data("\(getpid())".utf8).write(to: URL(fileURLWithPath: "\(path)/cgroup.procs"))
    }
    try enter(path)
    let result = Swift.Result { try body() }
    try enter(mount.path + home)
    return try result.get()
  }

  /// A command that runs `inner` in this cgroup.
  public func command(_ inner: [String]) -> [String] {
    ["sh", "-c", #"echo $$ >"$0/cgroup.procs" && exec "$@""#, path] + inner
  }
}

/// A folder of a test's own in bpffs, removed with all its pins when the last reference goes.
public final class PinFolder: Sendable {
  /// Where it is.
  public let path: String
  private let mount: FileSystemMount

  /// Makes an empty folder, and removes those that killed test processes left. Needs root.
  public init() throws {
    mount = try FileSystemMount("bpf")
    for orphan in OwnName.orphans(in: mount.path) {
      try FileManager.default.removeItem(atPath: "\(mount.path)/\(orphan)")
    }
    path = "\(mount.path)/\(OwnName.make())"
    guard mkdir(path, 0o700) == 0 else { throw HarnessError(path, errno: errno) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a pin in it.
  public func pin(_ name: String) -> String { path + "/" + name }
}
