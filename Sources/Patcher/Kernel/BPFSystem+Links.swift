// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension BPFSystem {
  /// Attaches a program by a new link. The C function is `bpf_link_create`.
  ///
  /// - Parameter target: an interface's index, or a cgroup directory's descriptor.
  func createLink(program: SharedFD, target: Int32, attachType: UInt32) throws(Errno) -> SharedFD {
    try open(.linkCreate) {
      program.withRaw { bpf_link_create($0, target, bpf_attach_type(attachType), nil) }
    }
  }

  /// Attaches a program to a raw tracepoint by a new link. The C function is `bpf_raw_tracepoint_open`.
  ///
  /// - Throws: `ENOENT` if there is no such tracepoint, `EINVAL` if the program reads arguments that it does not have.
  func openRawTracepoint(_ name: String, program: SharedFD) throws(Errno) -> SharedFD {
    try open(.rawTracepointOpen) { program.withRaw { bpf_raw_tracepoint_open(name, $0) } }
  }

  /// Opens a perf event on a CPU, for all processes. The C function is `perf_event_open`.
  func openPerfEvent(_ event: PerfEventAttributes, cpu: Int32) throws(Errno) -> SharedFD {
    try open(.perfEventOpen) {
      (event.text ?? "").withCString { text in
        // Probes take a function's or file's name in config1.
        let config1 = event.text == nil ? 0 : UInt64(UInt(bitPattern: text))
        let fd = sk_perf_event_open(
          event.type, event.config, config1, event.offset, event.every, event.everyIsFrequency ? 1 : 0, cpu)
        return fd < 0 ? -Glibc.errno : fd
      }
    }
  }

  /// Replaces the program of a link, if it is still `old`: a compare-and-swap.
  ///
  /// Requires Linux 5.7 for cgroup, 5.9 for XDP, 6.6 for tcx. The C function is `bpf_link_update`.
  /// - Throws: `EPERM` if the link holds another program than `old`, `ENOLINK` if what it was attached to is gone.
  func updateLink(_ link: SharedFD, from old: SharedFD, to new: SharedFD) throws(Errno) {
    try link.withRaw { link throws(Errno) in
      try old.withRaw { old throws(Errno) in
        try new.withRaw { new throws(Errno) in try updateLink(rawLink: link, from: old, to: new) }
      }
    }
  }

  /// Asks with a descriptor that is none, which a kernel that knows the command refuses with `EBADF`.
  func tryLinkUpdate() throws(Errno) { try updateLink(rawLink: -1, from: -1, to: -1) }

  private func updateLink(rawLink link: Int32, from old: Int32, to new: Int32) throws(Errno) {
    var opts = bpf_link_update_opts()
    opts.sz = MemoryLayout<bpf_link_update_opts>.size
    opts.flags = UInt32(BPF_F_REPLACE)
    opts.old_prog_fd = UInt32(bitPattern: old)
    _ = try call(.linkUpdate) { bpf_link_update(link, new, &opts) }
  }

  /// Takes a link off its hook, whoever else holds it. Requires Linux 5.9. The C function is `bpf_link_detach`.
  func detachLink(_ link: SharedFD) throws(Errno) {
    _ = try call(.linkDetach) { link.withRaw { bpf_link_detach($0) } }
  }
}
