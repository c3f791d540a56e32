// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

extension StaticKeysError {
  /// The kernel refused a call with an errno: what was tried, and which capability it takes.
  static func kernel(
    _ errno: Errno, _ what: String, at place: Place = Place(), needs capabilities: [Capability] = [.bpf],
    advice: String? = nil
  ) -> StaticKeysError {
    guard errno == .permissionDenied || errno == .notPermitted else {
      return StaticKeysError(.kernel, "\(what): \(errno)", at: place, errno: errno.rawValue, advice: advice)
    }
    let missing = capabilities.filter { !Capability.effective.contains($0) }
    guard !missing.isEmpty else {
      return StaticKeysError(
        .permission, "\(what): \(errno)", at: place, errno: errno.rawValue,
        advice: "no capability is missing: look for kernel lockdown, a seccomp filter or another security module")
    }
    let names = missing.map(\.name).joined(separator: " and ")
    return StaticKeysError(
      .permission, "\(what): needs \(names)", at: place, errno: errno.rawValue, advice: "run it as root")
  }
}

/// A POSIX capability (capabilities(7)).
struct Capability: Hashable, Sendable {
  let name: String
  private let bit: UInt64

  static let netAdmin = Capability(name: "CAP_NET_ADMIN", bit: 12)
  static let sysAdmin = Capability(name: "CAP_SYS_ADMIN", bit: 21)
  static let perfmon = Capability(name: "CAP_PERFMON", bit: 38)
  static let bpf = Capability(name: "CAP_BPF", bit: 39)

  /// Those that this process has, of the ones above; CAP_SYS_ADMIN stands for the two that were split off it.
  static var effective: Set<Capability> {
    let mask =
      (try? FileText.read("/proc/self/status"))?
      .split(separator: "\n").first { $0.hasPrefix("CapEff:") }
      .flatMap { UInt64($0.dropFirst("CapEff:".count).drop { $0 == "\t" }, radix: 16) } ?? 0
    let held = Set([netAdmin, sysAdmin, perfmon, bpf].filter { mask & (1 << $0.bit) != 0 })
    return held.contains(sysAdmin) ? held.union([bpf, perfmon]) : held
  }
}

/// Small files of the kernel's, which have no size to go by.
enum FileText {
  /// All of a file's text.
  static func read(_ path: FilePath) throws(Errno) -> String { String(decoding: try readBytes(path), as: UTF8.self) }

  /// All of a file's bytes.
  static func readBytes(_ path: FilePath) throws(Errno) -> [UInt8] {
    let result: Result<[UInt8], Errno>
    do {
      let fd = try FileDescriptor.open(path, .readOnly)
      result = .success(
        try fd.closeAfter {
          var all: [UInt8] = []
          var chunk = [UInt8](repeating: 0, count: 1 << 14)
          while true {
            let count = try chunk.withUnsafeMutableBytes { try fd.read(into: $0) }
            if count == 0 { return all }
            all += chunk[..<count]
          }
        })
    } catch {
      result = .failure(error as? Errno ?? .ioError)
    }
    return try result.get()
  }
}
