// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// How long the soak tests go on: a short round among the other tests, all that is promised under `make soak`.
///
/// In an emulated machine the counts are a twentieth of that, the times the same.
enum Soak {
  private static let isFull = ProcessInfo.processInfo.environment["STATICKEYS_SOAK"] == "1"

  static func size(_ short: Int, full: Int) -> Int {
    if !isFull { return Emulation.fewer(than: short) }
    return Emulation.isOn ? max(full / 20, Emulation.fewer(than: short)) : full
  }

  static func size(_ short: Duration, full: Duration) -> Duration { isFull ? full : short }

  /// A figure for whoever reads the run's output.
  static func report(_ figure: String) { print("soak: \(Emulation.isOn ? "in a guest: " : "")\(figure)") }

  /// How many things there are of each kind.
  struct Counts: Equatable, CustomStringConvertible {
    private let counts: [KernelCensus.Kind: Int]

    static func now() throws -> Counts {
      Counts(counts: Dictionary(try KernelCensus.take().items.map { ($0.kind, 1) }, uniquingKeysWith: +))
    }

    /// The counts once they are like `others`: the kernel frees some time after the last reference went.
    static func settled(like others: Counts) async throws -> Counts {
      var counts = try now()
      for _ in 0..<250 where counts != others {
        try await Task.sleep(for: .milliseconds(20))
        counts = try now()
      }
      return counts
    }

    /// "17 fds, 4 programs…"
    var description: String {
      KernelCensus.Kind.allCases.map { "\(counts[$0] ?? 0) \($0 == .btf ? "BTF object" : $0.rawValue)s" }
        .joined(separator: ", ")
    }
  }

  /// This process's resident memory in KiB.
  static func residentMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return Int(line.filter(\.isNumber)) ?? 0
  }
}
