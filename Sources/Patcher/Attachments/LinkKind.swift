// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// What kinds of BPF link there are (`enum bpf_link_type`), and which of them let their program be replaced.
struct LinkKind: Hashable, Sendable {
  let rawValue: UInt32

  static let tracing = LinkKind(rawValue: BPF_LINK_TYPE_TRACING.rawValue)
  static let cgroup = LinkKind(rawValue: BPF_LINK_TYPE_CGROUP.rawValue)
  static let xdp = LinkKind(rawValue: BPF_LINK_TYPE_XDP.rawValue)
  static let iter = LinkKind(rawValue: BPF_LINK_TYPE_ITER.rawValue)
  static let netns = LinkKind(rawValue: BPF_LINK_TYPE_NETNS.rawValue)
  static let tcx = LinkKind(rawValue: UInt32(SK_BPF_LINK_TYPE_TCX))
  static let netkit = LinkKind(rawValue: UInt32(SK_BPF_LINK_TYPE_NETKIT))
  static let sockmap = LinkKind(rawValue: UInt32(SK_BPF_LINK_TYPE_SOCKMAP))

  static let rawTracepoint = LinkKind(rawValue: BPF_LINK_TYPE_RAW_TRACEPOINT.rawValue)
  static let perfEvent = LinkKind(rawValue: BPF_LINK_TYPE_PERF_EVENT.rawValue)

  /// Whether it is for tracing, where the kernel cannot replace a program.
  var isTracing: Bool { [.rawTracepoint, .tracing, .perfEvent].contains(self) }

  /// Whether the kernel's BPF_LINK_UPDATE replaces programs of such links. It refuses the others with EINVAL, netfilter
  /// with EOPNOTSUPP (seen in the sources of Linux 6.12).
  var isReplaceable: Bool { [.cgroup, .xdp, .tcx, .netkit, .netns, .iter, .sockmap].contains(self) }

  /// The kernel's word for it.
  var name: String {
    let index = Int(rawValue)
    return Self.names.indices.contains(index) ? Self.names[index] : "type \(rawValue)"
  }

  private static let names = [
    "unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event", "kprobe_multi",
    "struct_ops", "netfilter", "tcx", "uprobe_multi", "netkit", "sockmap",
  ]
}
