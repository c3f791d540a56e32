// SPDX-License-Identifier: Apache-2.0

import CLibBPF

/// The hooks that have to be asked what they hold, given what programs it is about: no walk over BPF objects shows them.
struct ConcernedHooks: Sendable {
  /// The programs, by id: of what holds others no descriptor is kept.
  let programs: Set<UInt32>
  /// Their types (`enum bpf_prog_type`).
  let types: Set<UInt32>
  /// Interfaces' XDP hooks.
  var xdp = false
  /// tc filters, and tcx and netkit hooks.
  var trafficControl = false
  /// Namespaces' flow dissectors.
  var flowDissector = false
  /// Hooks of cgroups, by attach type.
  var cgroup: Set<UInt32> = []
  /// Hooks of socket maps, by attach type.
  var socketMap: Set<UInt32> = []

  init(_ programs: [ManagedProgram]) {
    self.programs = Set(programs.map(\.id))
    types = Set(programs.map(\.template.type))
    for program in programs { insert(bpf_prog_type(program.template.type), program.template.expectedAttachType) }
  }

  /// Whether network namespaces must be looked into.
  var anyInNamespaces: Bool { xdp || trafficControl || flowDissector }

  private mutating func insert(_ type: bpf_prog_type, _ expected: UInt32) {
    switch type {
    case BPF_PROG_TYPE_XDP: xdp = true
    case BPF_PROG_TYPE_SCHED_CLS: trafficControl = true
    case BPF_PROG_TYPE_FLOW_DISSECTOR: flowDissector = true
    // The kernel takes it to either side, whatever it was loaded for.
    case BPF_PROG_TYPE_CGROUP_SKB: cgroup.formUnion(Self.raw(BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS))
    // 0 stands for the oldest of them.
    case BPF_PROG_TYPE_CGROUP_SOCK: cgroup.insert(expected == 0 ? BPF_CGROUP_INET_SOCK_CREATE.rawValue : expected)
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_SOCKOPT: cgroup.insert(expected)
    case BPF_PROG_TYPE_CGROUP_DEVICE: cgroup.insert(BPF_CGROUP_DEVICE.rawValue)
    case BPF_PROG_TYPE_CGROUP_SYSCTL: cgroup.insert(BPF_CGROUP_SYSCTL.rawValue)
    case BPF_PROG_TYPE_SOCK_OPS: cgroup.insert(BPF_CGROUP_SOCK_OPS.rawValue)
    case BPF_PROG_TYPE_LSM where expected == BPF_LSM_CGROUP.rawValue: cgroup.insert(expected)
    case BPF_PROG_TYPE_SK_SKB:
      socketMap.formUnion(Self.raw(BPF_SK_SKB_STREAM_PARSER, BPF_SK_SKB_STREAM_VERDICT, BPF_SK_SKB_VERDICT))
    case BPF_PROG_TYPE_SK_MSG: socketMap.insert(BPF_SK_MSG_VERDICT.rawValue)
    default: break
    }
  }

  private static func raw(_ types: bpf_attach_type...) -> [UInt32] { types.map(\.rawValue) }
}
