// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file descriptor that is closed when its owner goes.
public struct OwnedFD: ~Copyable, Sendable {
  /// The descriptor's number.
  public let rawValue: Int32

  /// Takes over `fd`, or throws what errno says if it is negative.
  public init(_ fd: Int32, _ what: @autoclosure () -> String) throws {
    guard fd >= 0 else { throw HarnessError(what(), errno: errno) }
    rawValue = fd
  }

  deinit { close(rawValue) }

  /// Gives the descriptor away; whoever takes it closes it.
  public consuming func release() -> Int32 {
    let fd = rawValue
    discard self
    return fd
  }

  /// Everything in the file behind the descriptor, from its start; the descriptor's own position stays where it is.
  public func contents() -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let n = pread(rawValue, &chunk, chunk.count, off_t(bytes.count))
      guard n > 0 else { return bytes }
      bytes += chunk[..<n]
    }
  }
}
