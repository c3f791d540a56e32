// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A BPF link whose program BPF_LINK_UPDATE replaces: cgroup (Linux 5.7), XDP (5.9), tcx (6.6).
struct LinkReplacement: Replacement {
  let system: BPFSystem
  let link: SharedFD
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) {
    do throws(Errno) {
      try system.updateLink(link, from: old.fd, to: new.fd)
    } catch {
      let current = try? system.rawInfo(ofLink: link).prog_id
      if let current, current != old.id {
        throw StaticKeysError(
          .changedMeanwhile, "\(description) holds program \(current) now, not \(old.id)", errno: error.rawValue,
          advice: "run the command again")
      }
      // ENOLINK: the interface or cgroup went away under the link.
      let advice = error == .noLink ? "what it was attached to is gone: unload the collection" : nil
      throw .kernel(error, "cannot replace the program of \(description)", needs: [.bpf, .netAdmin], advice: advice)
    }
  }
}

extension AttachmentIndex {
  /// All links of the kernel's, by the id of their program. Requires Linux 5.8 and CAP_SYS_ADMIN.
  static func links(system: BPFSystem) throws(Errno) -> [UInt32: [Attachment]] {
    var result: [UInt32: [Attachment]] = [:]
    for id in try system.ids(of: .link) {
      guard let link = try system.object(.link, id: id) else { continue }
      let info = try system.rawInfo(ofLink: link)
      let kind = LinkKind(rawValue: info.type)
      let description = "\(kind.name) link \(id)" + (Self.target(of: info, kind: kind).map { " (\($0))" } ?? "")
      let replacement: LinkReplacement? =
        kind.isReplaceable ? LinkReplacement(system: system, link: link, description: description) : nil
      result[info.prog_id, default: []].append(Attachment(description: description, replacement: replacement))
    }
    return result
  }

  private static func target(of info: bpf_link_info, kind: LinkKind) -> String? {
    switch kind {
    // tcx's structure starts with the interface as XDP's does.
    case .xdp, .tcx: info.xdp.ifindex == 0 ? "its interface is gone" : "ifindex \(info.xdp.ifindex)"
    case .cgroup: "cgroup \(info.cgroup.cgroup_id)"
    default: nil
    }
  }
}
