// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Glibc

/// Runs `body` on a thread of its own and waits for it; the function that it is given takes all capabilities from that
/// thread, and from no other.
public func withoutCapabilities<Result: Sendable>(
  _ body: @escaping @Sendable (_ restrict: () throws -> Void) throws -> Result
) throws -> Result {
  // A thread that enters the namespace it is in already is only a thread.
  try NamespaceThread(path: "/proc/self/ns/net") {
    try body {
      // _LINUX_CAPABILITY_VERSION_3, this thread; no effective, permitted or inheritable ones, in two halves.
      var header: (UInt32, Int32) = (0x2008_0522, 0)
      let none = [UInt32](repeating: 0, count: 6)
      guard capset(&header, none) == 0 else { throw HarnessError("capset", errno: errno) }
    }
  }.join()
}
