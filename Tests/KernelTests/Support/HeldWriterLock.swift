// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// The writers' lock, taken as a writer takes it, until the last reference goes.
final class HeldWriterLock {
  private let directory: OwnedFD

  /// Takes it; throws if somebody has it.
  init() throws {
    let path = "/sys/fs/bpf"
    directory = try OwnedFD(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path)
    guard flock(directory.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw HarnessError("flock \(path)", errno: errno) }
  }

  /// Lets it go.
  func release() { flock(directory.rawValue, LOCK_UN) }
}
