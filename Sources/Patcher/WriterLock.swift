// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Lets one process at a time change programs. It lies on the BPF file system's directory, so it dies with its holder
/// and leaves nothing behind; readers never take it.
enum WriterLock {
  /// Waits until no other process writes, then runs `body`. Where no BPF file system is mounted, one is mounted first.
  static func hold<R>(system: BPFSystem, _ body: () throws(StaticKeysError) -> R) throws(StaticKeysError) -> R {
    let held = try take(system: system)
    let result = Result(catching: body)
    withExtendedLifetime(held) {}
    return try result.get()
  }

  private static func take(system: BPFSystem) throws(StaticKeysError) -> SharedFD {
    try BPFFS.mountIfNeeded(system: system)
    do throws(Errno) {
      return try system.lock(directory: BPFFS.defaultMountPoint)
    } catch {
      throw .kernel(
        error, "cannot take the writers' lock", at: Place(file: BPFFS.defaultMountPoint.string), needs: [.sysAdmin])
    }
  }
}
