// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import SystemPackage

/// What it takes to change all endpoints' programs: a flip of one key, against making each program anew.
///
/// Called with the path of the example without its ending and the folder of static_key.bpf.h, and how many endpoints there
/// are to be, once or several times. Needs root.
@main
enum Bench {
  /// How many programs are made anew, to be multiplied.
  private static let sample = 10
  private static let flips = 5

  static func main() {
    libbpf_set_print(nil)
    do {
      let arguments = CommandLine.arguments.dropFirst()
      let counts = arguments.dropFirst(2).compactMap { Int($0) }
      guard arguments.count >= 2, counts.count == arguments.count - 2, counts.allSatisfy({ $0 > 0 }) else {
        throw BenchError("usage: bench-endpoints EXAMPLE INCLUDE [COUNT…], the example without .c and .o")
      }
      try run(example: arguments[1], headers: arguments[2], counts: counts.isEmpty ? [200, 1000] : counts)
    } catch {
      FileHandle.standardError.write(Data("bench-endpoints: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(example: String, headers: String, counts: [Int]) throws {
    let anew = try ProgramsAnew(example: example, headers: headers, sample: sample)
    let compiled = try anew.compileAndLoad()
    let opened = try anew.openAndLoad()
    let template = try TemplateBuilder().build(FilePath(example + ".o"))
    print(machine)
    print("\nMaking one program anew, the median of \(sample):")
    print("  clang, then libbpf's open and load    \(milliseconds(compiled)) ms")
    print("  libbpf's open and load                \(milliseconds(opened)) ms")
    for count in counts {
      let (loading, flip) = try measure(template, count)
      print("\n\(count) endpoints, a tcx link on a veth each:")
      print("  instances loaded and attached, in all \(milliseconds(loading)) ms")
      print("  one flip of 'debug', the median of \(flips)  \(milliseconds(flip)) ms")
      for (name, one) in [("clang and load", compiled), ("open and load", opened)] {
        let ratio = one * count / flip
        print(
          "  \(name) for each (one × \(count))".padded(to: 40)
            + "\(milliseconds(one * count)) ms, \(number(ratio)) times")
      }
    }
    print(
      "\nThe flip has each program verified, loaded, put on its hook in the old one's place and pinned; the others have"
    )
    print("it verified and loaded only.")
  }

  /// How long it takes to load `count` instances, and to flip a key in all of them with one call.
  private static func measure(_ template: CollectionTemplate, _ count: Int) throws -> (load: Duration, flip: Duration) {
    let devices = try Devices(count)
    // The kernel detaches what hangs on a device that goes.
    defer { withExtendedLifetime(devices) {} }
    let name = "bench-\(getpid())"
    let specs = try (0..<count).map { index in
      guard let hook = AttachRequest("tcx-ingress:\(devices.name(index))@\(devices.namespace)"),
        let id = ValuePattern("endpoint_id"), let mark = ValuePattern("policy_mark")
      else { throw BenchError("no hook") }
      return InstanceSpec(
        name: "\(index)", values: [InitialValue(id, "\(index)"), InitialValue(mark, "\(1000 + index)")], attach: [hook])
    }
    defer { _ = try? CollectionStore().remove(name) }
    let loading = try time {
      _ = try CollectionLoader().load(
        template, name: name, instances: specs, sharing: [Glob("reports")], engine: .reload)
    }
    guard let key = KeyPattern("\(name)/debug") else { throw BenchError("no key") }
    let flips = try (0..<flips).map { _ in
      try time {
        let report = try Changer().flip(.toggle, [key], engine: .reload)
        guard report.programs.count == count, report.stillHeld.isEmpty else {
          throw BenchError("\(report.programs.count) programs were flipped")
        }
      }
    }
    return (loading, median(flips))
  }

  private static var machine: String {
    var names = utsname()
    uname(&names)
    let release = withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix("model name") }?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
    return "Linux \(release), \(ProcessInfo.processInfo.activeProcessorCount) × \(cpu ?? "unknown CPU")"
  }
}

/// Why there are no figures.
struct BenchError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Runs `body` and tells how long it took.
func time(_ body: () throws -> Void) rethrows -> Duration {
  let start = ContinuousClock.now
  try body()
  return ContinuousClock.now - start
}

/// The middle one of some durations.
func median(_ durations: [Duration]) -> Duration { durations.sorted()[durations.count / 2] }

private func milliseconds(_ duration: Duration) -> String {
  number(duration / .milliseconds(1)).padded(to: 9, left: true)
}

private func number(_ value: Double) -> String {
  String(format: value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
}

extension String {
  fileprivate func padded(to width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - count))
    return left ? space + self : self + space
  }
}
