// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What /proc tells of a tracing link: newer kernels tell more there, and the same fields since they have them.
struct TracingLinkInfo: Sendable {
  private let fields: [String: String]

  init(of link: SharedFD) {
    let text = link.withRaw { try? FileText.read(FilePath("/proc/self/fdinfo/\($0)")) } ?? ""
    fields = Dictionary(
      text.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1].drop { $0 == "\t" || $0 == " " })) : nil
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The tracepoint's name.
  var tracepoint: String? { fields["tp_name"] }

  /// The number that the program gets from bpf_get_attach_cookie(); nil where the kernel does not tell it (before 6.14).
  var cookie: UInt64? { fields["cookie"].flatMap { UInt64($0) } }

  /// What it hangs on, for people; nil where the kernel does not tell.
  var target: String? {
    if let tracepoint { return tracepoint }
    if let kind = fields["event_type"] {
      if let name = fields["name"] { return "\(kind) \(name)" + (fields["offset"].map { "+\($0)" } ?? "") }
      return fields["type"].map { "\(kind) of type \($0), config \(fields["config"] ?? "?")" }
    }
    let kinds = [23: "tp_btf", 24: "fentry", 25: "fexit", 26: "fmod_ret", 27: "lsm"]
    return fields["attach_type"].flatMap { Int($0) }.flatMap { kinds[$0] }
  }
}
