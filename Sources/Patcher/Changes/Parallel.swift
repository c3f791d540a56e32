// SPDX-License-Identifier: Apache-2.0

import Dispatch
import StaticKeys
import Synchronization

/// Makes `count` values on all cores, in the order of their index.
///
/// - Parameter counter: counts the values.
/// - Throws: of several errors that with the lowest index. After the first no further value is begun.
func inParallel<Value: Sendable>(
  _ count: Int, counter: ProgressCounter,
  _ make: @Sendable (Int) throws(StaticKeysError) -> Value
) throws(StaticKeysError) -> [Value] {
  typealias Outcome = Result<Value, StaticKeysError>
  let state = Mutex<(made: [Int: Outcome], failed: Bool)>(([:], false))
  DispatchQueue.concurrentPerform(iterations: count) { index in
    if state.withLock({ $0.failed }) { return }
    let outcome = Outcome { () throws(StaticKeysError) in try make(index) }
    state.withLock { state in
      state.made[index] = outcome
      if case .failure = outcome { state.failed = true }
    }
    counter.step()
  }
  let made = state.withLock { $0.made }
  return try made.sorted { $0.key < $1.key }.map { _, outcome throws(StaticKeysError) in try outcome.get() }
}
