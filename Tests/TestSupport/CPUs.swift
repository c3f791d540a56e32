// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Foundation

/// On which CPUs a thread runs.
public enum CPUs {
  /// Those that the calling thread may run on.
  public static var allowed: [Int] {
    guard let set = current() else { return [] }
    return (0..<MemoryLayout<cpu_set_t>.size * 8).filter { contains($0, set) }
  }

  /// Runs a body on one CPU, on the calling thread, which goes where it may again afterwards.
  public static func pinned<R>(to cpu: Int, _ body: () throws -> R) throws -> R {
    guard let before = current() else { throw HarnessError("sched_getaffinity", errno: errno) }
    var only = cpu_set_t()
    withUnsafeMutableBytes(of: &only) { $0[cpu / 8] |= 1 << (cpu % 8) }
    try move(to: only)
    defer { try? move(to: before) }
    return try body()
  }

  private static func current() -> cpu_set_t? {
    var set = cpu_set_t()
    return sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 ? set : nil
  }

  private static func move(to set: cpu_set_t) throws {
    var set = set
    guard sched_setaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 else {
      throw HarnessError("sched_setaffinity", errno: errno)
    }
  }

  private static func contains(_ cpu: Int, _ set: cpu_set_t) -> Bool {
    withUnsafeBytes(of: set) { $0[cpu / 8] & 1 << (cpu % 8) != 0 }
  }
}
