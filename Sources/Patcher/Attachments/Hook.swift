// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A place to attach a program by a link.
public enum Hook: Hashable, Sendable, CustomStringConvertible {
  /// A network interface's XDP hook. Requires Linux 5.9.
  case xdp(device: String, namespace: NetworkNamespace)
  /// A network interface's tcx hook, packets coming in. Requires Linux 6.6.
  case tcxIngress(device: String, namespace: NetworkNamespace)
  /// A network interface's tcx hook, packets going out. Requires Linux 6.6.
  case tcxEgress(device: String, namespace: NetworkNamespace)
  /// A cgroup of version 2, for whatever the program's section says. Requires Linux 5.7.
  case cgroup(path: FilePath)
  /// A hook whose links cannot replace their program.
  case tracing(TracingHook)

  /// The hook in `xdp:DEV[@NETNS]`, `tcx-ingress:DEV[@NETNS]`, `tcx-egress:DEV[@NETNS]`, `cgroup:PATH` or the spelling
  /// of a `TracingHook`; nil if the text is none of them.
  public init?(_ text: some StringProtocol) {
    if let tracing = TracingHook(text) {
      self = .tracing(tracing)
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    if parts[0] == "cgroup" {
      self = .cgroup(path: FilePath(String(parts[1])))
      return
    }
    let target = parts[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard target.allSatisfy({ !$0.isEmpty }) else { return nil }
    let device = String(target[0])
    let namespace = NetworkNamespace(target.count == 2 ? String(target[1]) : nil)
    switch parts[0] {
    case "xdp": self = .xdp(device: device, namespace: namespace)
    case "tcx-ingress": self = .tcxIngress(device: device, namespace: namespace)
    case "tcx-egress": self = .tcxEgress(device: device, namespace: namespace)
    default: return nil
    }
  }

  public var description: String {
    func text(_ kind: String, _ device: String, _ namespace: NetworkNamespace) -> String {
      "\(kind):\(device)" + (namespace.name.map { "@\($0)" } ?? "")
    }
    return switch self {
    case .xdp(let device, let namespace): text("xdp", device, namespace)
    case .tcxIngress(let device, let namespace): text("tcx-ingress", device, namespace)
    case .tcxEgress(let device, let namespace): text("tcx-egress", device, namespace)
    case .cgroup(let path): "cgroup:\(path)"
    case .tracing(let hook): hook.description
    }
  }

  /// Whether a program of this type can go there.
  func takes(_ program: LoadedProgram) -> Bool {
    let type = bpf_prog_type(program.template.type)
    return switch self {
    case .xdp: type == BPF_PROG_TYPE_XDP
    case .tcxIngress: type == BPF_PROG_TYPE_SCHED_CLS && program.section != "tcx/egress"
    case .tcxEgress: type == BPF_PROG_TYPE_SCHED_CLS && program.section != "tcx/ingress"
    case .cgroup: Self.cgroupTypes.contains(type.rawValue)
    case .tracing(let hook): hook.takes(program)
    }
  }

  /// Whether the kernel can put another program into a link there.
  var replacesPrograms: Bool { if case .tracing = self { false } else { true } }

  private static let cgroupTypes = Set(
    [
      BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
      BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_PROG_TYPE_SOCK_OPS,
    ].map(\.rawValue))
}
