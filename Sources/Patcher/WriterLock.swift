// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Lets one process at a time change programs. It lies on the BPF file system's directory, so it dies with its holder
/// and leaves nothing behind; readers never take it.
struct WriterLock: ~Copyable {
  private let fd: OwnedFD

  /// Waits until no other process writes. Where no BPF file system is mounted, one is mounted first.
  init(system: BPFSystem) throws(StaticKeysError) {
    try BPFFS.mountIfNeeded(system: system)
    do throws(Errno) {
      fd = try system.lock(directory: BPFFS.defaultMountPoint)
    } catch {
      throw .kernel(
        error, "cannot take the writers' lock", at: Place(file: BPFFS.defaultMountPoint.string), needs: [.sysAdmin])
    }
  }
}
