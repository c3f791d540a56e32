// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A program that BPF_PROG_ATTACH put on a tcx hook (Linux 6.6) or a netkit one (6.7): replaced by compare-and-swap.
struct InterfaceProgramReplacement: Replacement {
  let system: BPFSystem
  let namespace: HeldNamespace
  let interface: UInt32
  let attachType: UInt32
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    try namespace.enter(system: system) { () throws(StaticKeysError) -> Bool in
      do throws(Errno) {
        try system.attach(
          new.fd, to: interface, attachType: attachType, flags: UInt32(BPF_F_REPLACE), replacing: old.fd)
        return true
      } catch .noSuchDevice {
        // The interface went away: nothing runs there any more.
        return false
      } catch .noSuchFileOrDirectory {
        throw .hookChanged(description, holds: nil, not: old, errno: .noSuchFileOrDirectory)
      } catch {
        throw .kernel(error, "cannot replace the program of \(description)", needs: [.netAdmin, .bpf])
      }
    }
  }
}

extension Interface {
  /// The programs on the tcx hooks, or a netkit's own, that no link holds there.
  func programAttachments(
    in namespace: HeldNamespace, system: BPFSystem
  ) throws(Errno) -> [(program: UInt32, attachment: Attachment)] {
    var types = [UInt32(SK_BPF_TCX_INGRESS), UInt32(SK_BPF_TCX_EGRESS)]
    if kind == "netkit" { types += [UInt32(SK_BPF_NETKIT_PRIMARY), UInt32(SK_BPF_NETKIT_PEER)] }
    var found: [(program: UInt32, attachment: Attachment)] = []
    for type in types {
      for entry in try programs(on: type, system: system) where entry.link == 0 {
        let description = "\(attachTypeName(type)) \(namespace.qualified(name))"
        let replacement = InterfaceProgramReplacement(
          system: system, namespace: namespace, interface: index, attachType: type, description: description)
        found.append(
          (entry.program, Attachment(kind: attachTypeName(type), description: description, replacement: replacement)))
      }
    }
    return found
  }

  private func programs(on type: UInt32, system: BPFSystem) throws(Errno) -> [HookContent.Entry] {
    do throws(Errno) {
      return try system.query(index, attachType: type, detail: .links).entries
    } catch .invalidArgument {
      // Before Linux 6.6.
      return []
    } catch .noSuchFileOrDirectory {
      return []
    } catch .noSuchDevice {
      return []
    } catch .permissionDenied {
      // A netkit's end whose hooks belong to the other end.
      return []
    }
  }
}
