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

  /// A perf event, as a link on it tells.
  enum Event: Hashable {
    /// Without its category.
    case tracepoint(name: String)
    /// A function's or file's name, and bytes from its start.
    case probe(_ kind: String, name: String, offset: UInt64)
    case event(type: UInt32, config: UInt64)
  }

  /// The perf event that it is on; nil where the kernel does not tell it (before 6.16).
  var event: Event? {
    guard let kind = fields["event_type"] else { return nil }
    if kind == "tracepoint" { return tracepoint.map { .tracepoint(name: $0) } }
    if let name = fields["name"] { return .probe(kind, name: name, offset: number("offset") ?? 0) }
    guard let type = number("type").flatMap({ UInt32(exactly: $0) }), let config = number("config") else { return nil }
    return .event(type: type, config: config)
  }

  private func number(_ field: String) -> UInt64? {
    fields[field].flatMap { $0.hasPrefix("0x") ? UInt64($0.dropFirst(2), radix: 16) : UInt64($0) }
  }

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
