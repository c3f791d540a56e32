// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension BPFSystem {
  /// Pins a program, map or link. The C function is `bpf_obj_pin`.
  func pin(_ fd: SharedFD, at path: FilePath) throws(Errno) {
    _ = try call(.pin) { fd.withRaw { bpf_obj_pin($0, path.string) } }
  }

  /// What is pinned at a path. The C function is `bpf_obj_get`.
  func openPin(_ path: FilePath) throws(Errno) -> SharedFD { try open(.openPin) { bpf_obj_get(path.string) } }

  /// Renames a pin over another one.
  func rename(_ old: FilePath, to new: FilePath) throws(Errno) {
    _ = try libcCall(.rename) { Glibc.rename(old.string, new.string) }
  }

  /// Removes a pin.
  func unlink(_ path: FilePath) throws(Errno) { _ = try libcCall(.unlink) { Glibc.unlink(path.string) } }

  /// Makes a directory for root alone.
  func makeDirectory(_ path: FilePath) throws(Errno) {
    _ = try libcCall(.makeDirectory) { mkdir(path.string, 0o700) }
  }

  /// Removes an empty directory.
  func removeDirectory(_ path: FilePath) throws(Errno) { _ = try libcCall(.removeDirectory) { rmdir(path.string) } }

  /// Mounts a BPF file system.
  func mountBPFFS(at path: FilePath) throws(Errno) {
    _ = try libcCall(.mount) { Glibc.mount("bpf", path.string, "bpf", 0, "mode=0700") }
  }

  /// Takes the lock on a directory, which goes when the descriptor is closed or its process dies; waits while another
  /// process has it.
  func lock(directory: FilePath) throws(Errno) -> SharedFD {
    let fd = try open(.lock) {
      let raw = Glibc.open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      return raw < 0 ? -errno : raw
    }
    do throws(Errno) {
      try lock(fd, LOCK_EX | LOCK_NB)
    } catch .wouldBlock {
      watcher?(Progress(phase: .waiting, done: 0, all: 0))
      try lock(fd, LOCK_EX)
      watcher?(Progress(phase: .reading, done: 0, all: 0))
    }
    return fd
  }

  private func lock(_ fd: SharedFD, _ how: Int32) throws(Errno) {
    _ = try libcCall(.lock) { fd.withRaw { flock($0, how) } }
  }
}
