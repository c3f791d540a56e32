// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Lets one process at a time change programs. It lies on the BPF file system's directory, so it dies with its holder
/// and leaves nothing behind; readers never take it.
enum WriterLock {
  /// Waits until no other process writes, then runs `body`. Where no BPF file system is mounted, one is mounted first.
  static func hold<R>(system: BPFSystem, _ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    try BPFFS.mountIfNeeded(system: system)
    return try hold(BPFFS.defaultMountPoint, system: system, body)
  }

  /// The same with a lock on another directory.
  static func hold<R>(
    _ directory: FilePath, system: BPFSystem, _ body: () throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    let held = try take(directory, system: system)
    let result = Result(catching: body)
    withExtendedLifetime(held) {}
    return try result.get()
  }

  private static func take(_ directory: FilePath, system: BPFSystem) throws(StaticKeysError) -> SharedFD {
    do throws(Errno) {
      return try system.lock(directory: directory)
    } catch {
      throw .kernel(error, "cannot take the writers' lock", at: Place(file: directory.string), needs: [.sysAdmin])
    }
  }

  /// The process that holds the lock now, as /proc/locks tells; nil where it does not.
  static func holder(of directory: FilePath = BPFFS.defaultMountPoint) -> pid_t? {
    var status = stat()
    guard stat(directory.string, &status) == 0 else { return nil }
    let file =
      "\(padded(major(status.st_dev))):\(padded(minor(status.st_dev))):\(status.st_ino)"
    // "1: FLOCK  ADVISORY  WRITE 708 00:1b:1 0 EOF"; who waits has "->" after the number.
    let lines = ((try? FileText.read("/proc/locks")) ?? "").split(separator: "\n").map { $0.split(separator: " ") }
    return lines.first { $0.count > 5 && $0[1] == "FLOCK" && $0[5] == file }.flatMap { pid_t($0[4]) }
  }

  private static func major(_ device: dev_t) -> UInt { device >> 8 & 0xfff | device >> 32 & ~0xfff }

  private static func minor(_ device: dev_t) -> UInt { device & 0xff | device >> 12 & ~0xff }

  private static func padded(_ number: UInt) -> String {
    (number < 16 ? "0" : "") + String(number, radix: 16)
  }
}

extension BPFSystem {
  /// The process for which other writers wait now, where that can be told.
  public static var writer: Int32? { WriterLock.holder() }
}
