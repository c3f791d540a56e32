// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Foundation
import Synchronization

/// A thread that enters a network namespace before it does its work.
///
/// A namespace belongs to a thread, and Swift's tasks share theirs: entering it on one would move other tests too.
final class NamespaceThread<Value: Sendable>: Sendable {
  private let outcome = Mutex<Result<Value, any Error>?>(nil)
  private let finished = DispatchSemaphore(value: 0)

  init(path: String, _ body: @escaping @Sendable () throws -> Value) {
    let thread = Thread { [self] in
      let result = Result {
        let file = try OwnedFD(open(path, O_RDONLY | O_CLOEXEC), path)
        guard setns(file.rawValue, 0x4000_0000) == 0 else { throw HarnessError("setns \(path)", errno: errno) }
        return try body()
      }
      outcome.withLock { $0 = result }
      finished.signal()
    }
    thread.start()
  }

  /// Waits until the body is done, and returns what it returned; to be called once.
  func join() throws -> Value {
    finished.wait()
    guard let result = outcome.withLock({ $0 }) else { throw HarnessError("the thread ended without a result") }
    return try result.get()
  }
}
