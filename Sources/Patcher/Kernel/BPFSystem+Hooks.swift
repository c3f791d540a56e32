// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a hook holds.
struct HookContent: Sendable {
  /// One program on it.
  struct Entry: Sendable {
    let program: UInt32
    /// The link it hangs by; 0 if by none, or if links were not asked for.
    let link: UInt32
    /// `BPF_F_ALLOW_MULTI`, `BPF_F_ALLOW_OVERRIDE` or 0.
    let flags: UInt32
  }

  let entries: [Entry]
  /// Goes up with each change; 0 where the kernel does not count (cgroups before Linux 6.17).
  let revision: UInt64
}

/// What to ask of each program on a hook, besides its id.
enum HookDetail: Sendable {
  case none
  /// The link it hangs by. Requires Linux 6.6.
  case links
  /// The flags it was attached with: where one type stands for many hooks (`BPF_LSM_CGROUP`).
  case flags
}

extension BPFSystem {
  /// The programs on a hook. The command is BPF_PROG_QUERY.
  ///
  /// - Parameter target: a cgroup's, map's or namespace's descriptor, or an interface's index in this thread's namespace.
  /// - Throws: `EINVAL` for a type that the kernel does not know.
  func query(_ target: UInt32, attachType: UInt32, detail: HookDetail = .none) throws(Errno) -> HookContent {
    var capacity = 64
    while true {
      var attr = sk_prog_query_attr()
      attr.target = target
      attr.attach_type = attachType
      attr.count = UInt32(clamping: capacity)
      var programs = [UInt32](repeating: 0, count: capacity)
      var details = [UInt32](repeating: 0, count: capacity)
      do throws(Errno) {
        _ = try libcCall(.programQuery) {
          programs.withUnsafeMutableBytes { programs in
            details.withUnsafeMutableBytes { details in
              attr.prog_ids = UInt64(UInt(bitPattern: programs.baseAddress))
              let second = UInt64(UInt(bitPattern: details.baseAddress))
              if detail == .links { attr.link_ids = second }
              if detail == .flags { attr.prog_attach_flags = second }
              return sk_bpf(Int32(BPF_PROG_QUERY.rawValue), &attr, UInt32(MemoryLayout<sk_prog_query_attr>.size))
            }
          }
        }
      } catch .noSpace where Int(attr.count) > capacity {
        capacity = Int(attr.count)
        continue
      }
      let entries = zip(programs, details).prefix(Int(attr.count)).map { program, second in
        HookContent.Entry(
          program: program, link: detail == .links ? second : 0, flags: detail == .flags ? second : attr.attach_flags)
      }
      return HookContent(entries: entries, revision: attr.revision)
    }
  }

  /// Attaches a program without a link. The command is BPF_PROG_ATTACH.
  ///
  /// - Parameters:
  ///   - old: the program to give way, where the hook takes several and `flags` has BPF_F_REPLACE.
  ///   - revision: the hook's revision when it was looked at; 0 if it has none.
  /// - Throws: `ENOENT` if `old` is not there, `ESTALE` if the revision is another.
  func attach(
    _ program: SharedFD, to target: UInt32, attachType: UInt32, flags: UInt32 = 0, replacing old: SharedFD? = nil,
    revision: UInt64 = 0
  ) throws(Errno) {
    var attr = sk_prog_attach_attr()
    attr.target = target
    attr.attach_type = attachType
    attr.attach_flags = flags
    attr.expected_revision = revision
    _ = try libcCall(.programAttach) {
      func attach(over old: Int32) -> Int32 {
        attr.replace_fd = UInt32(bitPattern: old)
        return program.withRaw {
          attr.prog_fd = UInt32(bitPattern: $0)
          return sk_bpf(Int32(BPF_PROG_ATTACH.rawValue), &attr, UInt32(MemoryLayout<sk_prog_attach_attr>.size))
        }
      }
      return old?.withRaw(attach) ?? attach(over: 0)
    }
  }

  /// A cgroup's directory; nil if it is gone.
  func openCgroup(_ path: FilePath) throws(Errno) -> SharedFD? {
    do throws(Errno) {
      return try open(.cgroupOpen) {
        let raw = Glibc.open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        return raw < 0 ? -errno : raw
      }
    } catch .noSuchFileOrDirectory {
      return nil
    } catch .noSuchDevice {
      return nil
    }
  }
}

/// What the kernel calls a hook that programs attach to (`enum bpf_attach_type`), such as "cgroup_inet_egress".
func attachTypeName(_ type: UInt32) -> String {
  switch type {
  case UInt32(SK_BPF_TCX_INGRESS): "tcx_ingress"
  case UInt32(SK_BPF_TCX_EGRESS): "tcx_egress"
  case UInt32(SK_BPF_NETKIT_PRIMARY): "netkit_primary"
  case UInt32(SK_BPF_NETKIT_PEER): "netkit_peer"
  default: libbpf_bpf_attach_type_str(bpf_attach_type(type)).map { String(cString: $0) } ?? "attach type \(type)"
  }
}
