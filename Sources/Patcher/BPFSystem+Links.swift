// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

extension BPFSystem {
  /// Attaches a program by a new link. The C function is `bpf_link_create`.
  ///
  /// - Parameter target: an interface's index, or a cgroup directory's descriptor.
  func createLink(program: Int32, target: Int32, attachType: UInt32) throws(Errno) -> SharedFD {
    SharedFD(
      try open(.linkCreate) { bpf_link_create(program, target, bpf_attach_type(attachType), nil) })
  }

  /// Replaces the program of a link, if it is still `old`: a compare-and-swap.
  ///
  /// Requires Linux 5.7 for cgroup, 5.9 for XDP, 6.6 for tcx. The C function is `bpf_link_update`.
  /// - Throws: `EPERM` if the link holds another program than `old`, `ENOLINK` if what it was attached to is gone.
  func updateLink(_ link: Int32, from old: Int32, to new: Int32) throws(Errno) {
    var opts = bpf_link_update_opts()
    opts.sz = MemoryLayout<bpf_link_update_opts>.size
    opts.flags = UInt32(BPF_F_REPLACE)
    opts.old_prog_fd = UInt32(bitPattern: old)
    _ = try call(.linkUpdate) { bpf_link_update(link, new, &opts) }
  }

  /// Takes a link off its hook, whoever else holds it. Requires Linux 5.9. The C function is `bpf_link_detach`.
  func detachLink(_ link: Int32) throws(Errno) { _ = try call(.linkDetach) { bpf_link_detach(link) } }

  /// What the kernel tells of a link.
  func rawInfo(ofLink fd: Int32) throws(Errno) -> bpf_link_info {
    var info = bpf_link_info()
    try fillInfo(.linkInfo, fd, &info)
    return info
  }
}
