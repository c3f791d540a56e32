// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A BPF link whose program BPF_LINK_UPDATE replaces: cgroup (Linux 5.7), netns (5.8), iter, XDP (5.9), tcx (6.6),
/// netkit (6.7), sockmap (6.10).
///
/// It is known by its id: a descriptor for each would be many where many hang. A reader that has an iterator open, and a socket that is in a socket map, go on with the program they began with.
struct LinkReplacement: Replacement {
  let system: BPFSystem
  let link: UInt32
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let held: SharedFD?
    do throws(Errno) { held = try system.object(.link, id: link) } catch { throw failure(error) }
    // One that is gone has left its hook.
    guard let held else { return false }
    do throws(Errno) {
      try system.updateLink(held, from: old.fd, to: new.fd)
      return true
    } catch .noLink {
      // The interface or cgroup went away under the link: nothing runs there any more.
      return false
    } catch {
      let current = try? system.rawInfo(ofLink: held).prog_id
      if let current, current != old.id { throw .hookChanged(description, holds: current, not: old, errno: error) }
      throw failure(error)
    }
  }

  private func failure(_ errno: Errno) -> StaticKeysError {
    .kernel(errno, "cannot replace the program of \(description)", needs: [.bpf, .netAdmin])
  }
}
