// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension Collection {
  /// Flips a key by a reload while somebody else comes between: `action` happens once, right before the first call of a
  /// kind.
  @discardableResult
  func flip(
    _ change: KeyAction, _ key: String, disturbedBefore call: BPFSystem.Call,
    by action: @escaping @Sendable () throws -> Void
  ) throws -> ChangeReport {
    guard let pattern = KeyPattern("\(name)/\(key)") else { throw HarnessError("no pattern: \(key)") }
    let done = Once()
    let system = BPFSystem { next throws(Errno) in
      guard next == call, done.claim() else { return }
      do { try action() } catch { Issue.record(error) }
    }
    return try Changer(system: system).flip(change, [pattern], engine: .reload)
  }
}

private final class Once: Sendable {
  private let isDone = Atomic<Bool>(false)

  /// Whether this is the first time.
  func claim() -> Bool { !isDone.exchange(true, ordering: .relaxed) }
}
