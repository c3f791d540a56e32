// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Hook {
  /// Whether one of these programs is on the hook already.
  ///
  /// - Throws: `.unsupported` where the kernel does not tell; `.permission`, `.kernel`.
  func holds(oneOf programs: Set<UInt32>, as program: LoadedProgram, system: BPFSystem) throws(StaticKeysError) -> Bool
  {
    guard !programs.isEmpty else { return false }
    let found: [UInt32]
    switch self {
    case .xdp(let device, let namespace):
      found = try onDevice(device, namespace, system) { index throws(Errno) in
        [try system.programOnXDP(interface: index, mode: 0)]
      }
    case .tcxIngress(let device, let namespace):
      found = try onDevice(device, namespace, system) { index throws(Errno) in
        try system.query(index, attachType: UInt32(SK_BPF_TCX_INGRESS)).entries.map(\.program)
      }
    case .tcxEgress(let device, let namespace):
      found = try onDevice(device, namespace, system) { index throws(Errno) in
        try system.query(index, attachType: UInt32(SK_BPF_TCX_EGRESS)).entries.map(\.program)
      }
    case .cgroup(let path):
      found = try asked { () throws(Errno) in
        // That there is none is told when it is to be attached there.
        guard let directory = try system.openCgroup(path) else { return [] }
        return try directory.withRaw { fd throws(Errno) in
          try system.query(UInt32(bitPattern: fd), attachType: program.template.expectedAttachType).entries.map(
            \.program)
        }
      }
    case .tracing(let hook): return try hook.holds(oneOf: programs, as: program, system: system)
    }
    return !programs.isDisjoint(with: found)
  }

  /// Whether the kernel lets a program of this type replace one that was loaded for another attach type.
  static func takesAnyAttachType(_ type: UInt32) -> Bool { type == BPF_PROG_TYPE_SCHED_CLS.rawValue }

  private func onDevice(
    _ device: String, _ namespace: NetworkNamespace, _ system: BPFSystem, _ query: (UInt32) throws(Errno) -> [UInt32]
  ) throws(StaticKeysError) -> [UInt32] {
    try namespace.enter(system: system) { () throws(StaticKeysError) in
      let index = if_nametoindex(device)
      guard index != 0 else { return [] }
      return try asked { () throws(Errno) in try query(index) }
    }
  }

  private func asked(_ query: () throws(Errno) -> [UInt32]) throws(StaticKeysError) -> [UInt32] {
    do throws(Errno) {
      return try query()
    } catch .invalidArgument {
      // A hook that this kernel does not have holds nothing.
      return []
    } catch {
      throw .kernel(error, "cannot ask what is on \(self)", needs: [.netAdmin])
    }
  }
}
