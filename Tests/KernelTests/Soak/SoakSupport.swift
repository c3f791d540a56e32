// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// How long the soak tests go on: a short round among the other tests, all that is promised under `make soak`.
enum Soak {
  private static let isFull = ProcessInfo.processInfo.environment["STATICKEYS_SOAK"] == "1"

  static func size(_ short: Int, full: Int) -> Int { isFull ? full : Emulation.fewer(than: short) }

  static func size(_ short: Duration, full: Duration) -> Duration { isFull ? full : short }

  /// A figure for whoever reads the run's output.
  static func report(_ figure: String) { print("soak: \(figure)") }

  /// This process's resident memory in KiB.
  static func residentMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return Int(line.filter(\.isNumber)) ?? 0
  }
}
