// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A BPF link whose program BPF_LINK_UPDATE replaces: cgroup (Linux 5.7), netns (5.8), iter, XDP (5.9), tcx (6.6),
/// netkit (6.7), sockmap (6.10).
///
/// A reader that has an iterator open, and a socket that is in a socket map, go on with the program they began with.
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
