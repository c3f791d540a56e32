// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Names of what tests create outside their process: `sk-<pid>-<n>`, so that a later run can tell whose they are.
public enum OwnName {
  private static let counter = Atomic<Int>(0)

  /// A name that nothing else on the machine has.
  public static func make() -> String {
    "sk-\(getpid())-\(counter.wrappingAdd(1, ordering: .relaxed).newValue)"
  }

  /// The names among these that a test process made which lives no more.
  public static func orphans(among names: [String], isAlive: (pid_t) -> Bool = isAlive) -> [String] {
    names.filter { name in
      let parts = name.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0] == "sk", let pid = pid_t(parts[1]), pid > 0, UInt32(parts[2]) != nil else {
        return false
      }
      return !isAlive(pid)
    }
  }

  /// The orphans in a folder; none if there is no such folder.
  public static func orphans(in folder: String) -> [String] {
    orphans(among: (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
  }

  /// Whether a process of this id exists.
  public static func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 || errno == EPERM }
}
