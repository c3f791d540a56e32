// SPDX-License-Identifier: Apache-2.0

import CLibMNL
import StaticKeys
import SystemPackage

/// How an interface runs an XDP program: in its driver, or generic, in the network stack.
enum XDPMode: CaseIterable, Sendable {
  case native, generic, offloaded

  /// As `ip link set dev DEV …` names it.
  var name: String {
    switch self {
    case .native: "xdpdrv"
    case .generic: "xdpgeneric"
    case .offloaded: "xdpoffload"
    }
  }

  var flag: UInt32 {
    switch self {
    case .native: XDP_FLAGS_DRV_MODE
    case .generic: XDP_FLAGS_SKB_MODE
    case .offloaded: XDP_FLAGS_HW_MODE
    }
  }

  fileprivate var programID: Int {
    switch self {
    case .native: IFLA_XDP_DRV_PROG_ID
    case .generic: IFLA_XDP_SKB_PROG_ID
    case .offloaded: IFLA_XDP_HW_PROG_ID
    }
  }
}

/// An interface's XDP program that netlink set, as `ip link set dev DEV xdp` and `bpftool net attach xdp` do: replaced by
/// compare-and-swap (Linux 5.7).
struct XDPReplacement: Replacement {
  let system: BPFSystem
  let namespace: HeldNamespace
  let interface: UInt32
  let mode: XDPMode
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    try namespace.enter(system: system) { () throws(StaticKeysError) -> Bool in
      do throws(Errno) {
        try system.replaceXDP(interface: interface, mode: mode.flag, from: old.fd, to: new.fd)
        return true
      } catch .noSuchDevice {
        // The interface went away: nothing runs there any more.
        return false
      } catch {
        let current = try? system.programOnXDP(interface: interface, mode: mode.flag)
        // The answer may have been lost, and not the request.
        if current == new.id { return true }
        if let current, current != old.id {
          throw .hookChanged(description, holds: current, not: old, errno: error)
        }
        throw .kernel(error, "cannot replace the program of \(description)", needs: [.netAdmin, .bpf])
      }
    }
  }
}

extension Interface {
  /// Those of some programs that are on the XDP hook without a link that holds them there.
  func xdpAttachments(
    of programs: Set<UInt32>, in namespace: HeldNamespace, system: BPFSystem, linked: LinkedHooks
  ) throws(StaticKeysError) -> [(program: UInt32, attachment: Attachment)] {
    var found: [(program: UInt32, attachment: Attachment)] = []
    for mode in XDPMode.allCases {
      guard let program: UInt32 = xdp?.number(mode.programID), programs.contains(program) else { continue }
      if try isLinked(program, mode, in: namespace, system: system, linked: linked) { continue }
      let description = "\(mode.name) \(namespace.qualified(name))"
      let replacement = XDPReplacement(
        system: system, namespace: namespace, interface: index, mode: mode, description: description)
      // What runs in a device was built for that device.
      let replaceable = mode != .offloaded
      found.append(
        (
          program,
          Attachment(kind: mode.name, description: description, replacement: replaceable ? replacement : nil)
        ))
    }
    return found
  }

  /// Whether a link holds the program here. A link tells its interface's index, which others have in other namespaces; the
  /// kernel alone knows, and refuses to replace a linked program, even by itself.
  private func isLinked(
    _ program: UInt32, _ mode: XDPMode, in namespace: HeldNamespace, system: BPFSystem, linked: LinkedHooks
  ) throws(StaticKeysError) -> Bool {
    guard linked.count(LinkedHook(kind: .xdp, program: program, target: UInt64(index), attachType: 0)) > 0 else {
      return false
    }
    do throws(Errno) {
      guard let fd = try system.object(.program, id: program) else { return true }
      try system.replaceXDP(interface: index, mode: mode.flag, from: fd, to: fd)
      return false
    } catch .resourceBusy {
      return true
    } catch .noSuchDevice {
      return true
    } catch .fileExists {
      // Another program has come since.
      return true
    } catch {
      throw .kernel(error, "cannot ask the XDP hook of \(namespace.qualified(name))", needs: [.netAdmin])
    }
  }
}
