// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization

/// What hangs where, found out the first time somebody asks: a change in place never does.
final class LazyAttachments: Sendable {
  private let system: BPFSystem
  private let programs: [ManagedProgram]
  private let found = Mutex<AttachmentIndex?>(nil)

  /// - Parameter programs: those that may be asked about.
  init(system: BPFSystem, of programs: [ManagedProgram]) {
    self.system = system
    self.programs = programs
  }

  /// The attachments as they were at the first call.
  func index() throws(StaticKeysError) -> AttachmentIndex {
    try found.withLock { found throws(StaticKeysError) in
      if let found { return found }
      let index = try AttachmentIndex(system: system, of: programs)
      found = index
      return index
    }
  }
}
