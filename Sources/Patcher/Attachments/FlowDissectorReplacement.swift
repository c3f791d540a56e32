// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A namespace's flow dissector that BPF_PROG_ATTACH set.
///
/// The kernel replaces it in one step but compares nothing: it is looked at right before.
struct FlowDissectorReplacement: Replacement {
  let system: BPFSystem
  let namespace: HeldNamespace
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let found: UInt32?
    do throws(Errno) {
      found = try namespace.flowDissector(system: system)
    } catch {
      throw .kernel(error, "cannot read \(description)", needs: [.netAdmin])
    }
    guard found == old.id else { throw .hookChanged(description, holds: found ?? 0, not: old) }
    try namespace.enter(system: system) { () throws(StaticKeysError) in
      do throws(Errno) {
        try system.attach(new.fd, to: 0, attachType: BPF_FLOW_DISSECTOR.rawValue)
      } catch {
        throw .kernel(error, "cannot replace \(description)", needs: [.netAdmin, .bpf])
      }
    }
    return true
  }
}

extension HeldNamespace {
  /// The flow dissector, unless a link holds it.
  func flowDissectorAttachment(
    system: BPFSystem, linked: LinkedHooks
  ) throws(Errno) -> (program: UInt32, attachment: Attachment)? {
    let file = try descriptor(system: system)
    guard let program = try flowDissector(system: system), let identity = FileIdentity(of: file) else { return nil }
    let link = LinkedHook(
      kind: .netns, program: program, target: UInt64(identity.inode), attachType: BPF_FLOW_DISSECTOR.rawValue)
    guard linked.count(link) == 0 else { return nil }
    let description = "flow dissector of " + (name.map { "network namespace \($0)" } ?? "the present network namespace")
    return (
      program,
      Attachment(
        kind: "flow dissector", description: description,
        replacement: FlowDissectorReplacement(system: system, namespace: self, description: description))
    )
  }

  fileprivate func flowDissector(system: BPFSystem) throws(Errno) -> UInt32? {
    try descriptor(system: system).withRaw { raw throws(Errno) in
      try system.query(UInt32(bitPattern: raw), attachType: BPF_FLOW_DISSECTOR.rawValue).entries.first?.program
    }
  }
}
