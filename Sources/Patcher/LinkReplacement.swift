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
    } catch .noLink {
      // The interface or cgroup went away under the link: nothing runs there any more.
      return
    } catch {
      let current = try? system.rawInfo(ofLink: link).prog_id
      if let current, current != old.id {
        throw StaticKeysError(
          .changedMeanwhile, "\(description) holds program \(current) now, not \(old.id)", errno: error.rawValue,
          advice: "run the command again")
      }
      throw .kernel(error, "cannot replace the program of \(description)", needs: [.bpf, .netAdmin])
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
      let target = Self.target(of: info, kind: kind)
      let description = "\(kind.name) link \(id)" + (target.text.map { " (\($0))" } ?? "")
      let replacement: LinkReplacement? =
        kind.isReplaceable ? LinkReplacement(system: system, link: link, description: description) : nil
      result[info.prog_id, default: []].append(
        Attachment(description: description, replacement: replacement, isSevered: target.isGone))
    }
    return result
  }

  private static func target(of info: bpf_link_info, kind: LinkKind) -> (text: String?, isGone: Bool) {
    switch kind {
    // tcx's structure starts with the interface as XDP's does.
    case .xdp, .tcx:
      let index = info.xdp.ifindex
      return index == 0 ? ("its interface is gone", true) : ("ifindex \(index)", false)
    case .cgroup:
      let id = info.cgroup.cgroup_id
      return id == 0 ? ("its cgroup is gone", true) : ("cgroup \(id)", false)
    default: return (nil, false)
    }
  }
}
