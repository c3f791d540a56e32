// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// A perf event that needs no description but its name: the kernel's software events and the common hardware counters.
public struct PerfEvent: Hashable, Sendable, CustomStringConvertible {
  /// The name that `perf list` has for it.
  public let name: String
  /// How often per second the program runs; nil for each time the event happens.
  public let frequency: UInt32?

  private struct Kind {
    let type: perf_type_id
    let config: UInt64
  }

  /// The event in `NAME[@HZ]`; nil if the name is unknown, or a clock or counter comes without a frequency.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let kind = Self.kinds[String(first)] else { return nil }
    name = String(first)
    if parts.count == 2 {
      guard let hertz = UInt32(parts[1]), hertz > 0 else { return nil }
      frequency = hertz
    } else {
      guard kind.type == PERF_TYPE_SOFTWARE, !first.hasSuffix("-clock") else { return nil }
      frequency = nil
    }
  }

  public var description: String { name + (frequency.map { "@\($0)" } ?? "") }

  /// The names there are.
  public static var names: [String] { kinds.keys.sorted() }

  var attributes: PerfEventAttributes? {
    Self.kinds[name].map { kind in
      PerfEventAttributes(
        type: kind.type.rawValue, config: kind.config, every: UInt64(frequency ?? 1), everyIsFrequency: frequency != nil
      )
    }
  }

  private static let kinds: [String: Kind] = {
    func software(_ id: perf_sw_ids) -> Kind { Kind(type: PERF_TYPE_SOFTWARE, config: UInt64(id.rawValue)) }
    func hardware(_ id: perf_hw_id) -> Kind { Kind(type: PERF_TYPE_HARDWARE, config: UInt64(id.rawValue)) }
    return [
      "cpu-clock": software(PERF_COUNT_SW_CPU_CLOCK), "task-clock": software(PERF_COUNT_SW_TASK_CLOCK),
      "page-faults": software(PERF_COUNT_SW_PAGE_FAULTS), "minor-faults": software(PERF_COUNT_SW_PAGE_FAULTS_MIN),
      "major-faults": software(PERF_COUNT_SW_PAGE_FAULTS_MAJ),
      "context-switches": software(PERF_COUNT_SW_CONTEXT_SWITCHES),
      "cpu-migrations": software(PERF_COUNT_SW_CPU_MIGRATIONS),
      "cpu-cycles": hardware(PERF_COUNT_HW_CPU_CYCLES), "instructions": hardware(PERF_COUNT_HW_INSTRUCTIONS),
      "cache-references": hardware(PERF_COUNT_HW_CACHE_REFERENCES),
      "cache-misses": hardware(PERF_COUNT_HW_CACHE_MISSES),
      "branches": hardware(PERF_COUNT_HW_BRANCH_INSTRUCTIONS),
      "branch-misses": hardware(PERF_COUNT_HW_BRANCH_MISSES),
    ]
  }()
}

/// What of `struct perf_event_attr` keyctl sets.
struct PerfEventAttributes: Sendable {
  /// `enum perf_type_id`, or the number that sysfs tells.
  let type: UInt32
  var config: UInt64 = 0
  /// What `config1` points to: a kernel function's name, a file's path.
  var text: String?
  /// `config2`: bytes from there.
  var offset: UInt64 = 0
  /// A number of events, or a frequency in Hz.
  var every: UInt64 = 1
  var everyIsFrequency = false
}
