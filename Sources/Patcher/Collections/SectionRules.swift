// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// What a program's section name says of it, where libbpf's own handler no longer says so.
///
/// A handler that is registered for a section replaces the built-in one with all its preparation; and section names
/// newer than the installed libbpf are unknown to it.
struct SectionRules {
  let section: String

  /// Type and attach type of sections that came after libbpf 1.1: tcx and uprobe.multi (Linux 6.6).
  var newerType: (type: bpf_prog_type, attachType: bpf_attach_type)? {
    switch section {
    case "tcx/ingress": (BPF_PROG_TYPE_SCHED_CLS, bpf_attach_type(UInt32(SK_BPF_TCX_INGRESS)))
    case "tcx/egress": (BPF_PROG_TYPE_SCHED_CLS, bpf_attach_type(UInt32(SK_BPF_TCX_EGRESS)))
    case "uprobe.multi": (BPF_PROG_TYPE_KPROBE, bpf_attach_type(UInt32(SK_BPF_TRACE_UPROBE_MULTI)))
    default: nil
    }
  }

  /// `BPF_F_*` that the built-in handler would set.
  func loadFlags(type: bpf_prog_type) -> UInt32 {
    var flags: UInt32 = 0
    let kind = section.prefix { $0 != "/" }
    if kind.hasSuffix(".s") || type == BPF_PROG_TYPE_SYSCALL { flags |= UInt32(BPF_F_SLEEPABLE) }
    if type == BPF_PROG_TYPE_XDP, kind == "xdp.frags" { flags |= UInt32(BPF_F_XDP_HAS_FRAGS) }
    return flags
  }

  /// The kernel function or type that a tracing or LSM program is for: what follows the first slash.
  func attachTarget(type: bpf_prog_type) -> String? {
    guard type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM else { return nil }
    let parts = section.split(separator: "/", maxSplits: 1)
    return parts.count == 2 ? String(parts[1]) : nil
  }
}
