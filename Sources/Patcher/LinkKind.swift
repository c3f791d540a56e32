// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// What kinds of BPF link there are (`enum bpf_link_type`), and which of them let their program be replaced.
struct LinkKind: Hashable, Sendable {
  let rawValue: UInt32

  static let cgroup = LinkKind(rawValue: BPF_LINK_TYPE_CGROUP.rawValue)
  static let xdp = LinkKind(rawValue: BPF_LINK_TYPE_XDP.rawValue)
  static let tcx = LinkKind(rawValue: UInt32(SK_BPF_LINK_TYPE_TCX))

  /// Whether keyctl replaces programs of such links.
  var isReplaceable: Bool { [.cgroup, .xdp, .tcx].contains(self) }

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
