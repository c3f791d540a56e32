// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program that BPF_PROG_ATTACH put on a cgroup, as `bpftool cgroup attach` does.
///
/// A hook that takes several (`multi`) is replaced by compare-and-swap (Linux 5.6). On one that takes a single program it
/// is so from Linux 6.17; before, the hook is looked at right before the program is attached over the old one.
struct CgroupReplacement: Replacement {
  let system: BPFSystem
  let directory: SharedFD
  let attachType: UInt32
  let flags: UInt32
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let found: [UInt32]
    do throws(Errno) {
      let now = try content()
      found = now.entries.map(\.program)
      if flags & UInt32(BPF_F_ALLOW_MULTI) != 0 {
        try attach(new, flags: flags | UInt32(BPF_F_REPLACE), replacing: old)
        return true
      }
      if holdsOnly(old, of: found) {
        try attach(new, flags: flags, revision: now.revision)
        return true
      }
    } catch {
      if isGone { return false }
      if let now = try? content(), !now.entries.contains(where: { $0.program == old.id }) {
        throw .hookChanged(description, holds: nil, not: old, errno: error)
      }
      throw .kernel(error, "cannot replace the program of \(description)", needs: [.netAdmin, .bpf])
    }
    throw .hookChanged(description, holds: found.first ?? 0, not: old)
  }

  /// Whether a hook for a single program has this one. What is asked for LSM programs spans the hooks of all of them, and
  /// the kernel finds the one by the program.
  private func holdsOnly(_ old: ProgramHandle, of found: [UInt32]) -> Bool {
    attachType == BPF_LSM_CGROUP.rawValue ? found.contains(old.id) : found == [old.id]
  }

  private func content() throws(Errno) -> HookContent {
    try directory.withRaw { raw throws(Errno) in
      try system.query(UInt32(bitPattern: raw), attachType: attachType, detail: Cgroup.detail(for: attachType))
    }
  }

  private func attach(
    _ new: ProgramHandle, flags: UInt32, replacing old: ProgramHandle? = nil, revision: UInt64 = 0
  ) throws(Errno) {
    try directory.withRaw { raw throws(Errno) in
      try system.attach(
        new.fd, to: UInt32(bitPattern: raw), attachType: attachType, flags: flags, replacing: old?.fd,
        revision: revision)
    }
  }

  /// Whether the cgroup was removed, and its programs with it.
  private var isGone: Bool { directory.withRaw { faccessat($0, "cgroup.procs", F_OK, 0) } != 0 }
}

/// A cgroup of version 2.
struct Cgroup {
  let path: FilePath
  /// The number by which links name it.
  let id: UInt64

  /// One hook type stands for those of all LSM hooks, each with flags of its own.
  static func detail(for attachType: UInt32) -> HookDetail {
    attachType == BPF_LSM_CGROUP.rawValue ? .flags : .none
  }

  /// All those that are mounted anywhere, each once.
  static func all() -> [Cgroup] {
    var seen: Set<FileIdentity> = []
    return BPFFS.mountPoints(of: "cgroup2").flatMap { tree(at: $0, depth: 64, seen: &seen) }
  }

  private static func tree(at path: FilePath, depth: Int, seen: inout Set<FileIdentity>) -> [Cgroup] {
    guard depth > 0, let identity = FileIdentity(of: path), seen.insert(identity).inserted else { return [] }
    var found = [Cgroup(path: path, id: UInt64(identity.inode))]
    for entry in BPFFS.entries(of: path) where entry.isDirectory {
      found += tree(at: path.appending(entry.name), depth: depth - 1, seen: &seen)
    }
    return found
  }
}

extension AttachmentIndex {
  /// The programs on the hooks of all cgroups that no link holds there.
  static func cgroups(
    _ hooks: ConcernedHooks, system: BPFSystem, linked: LinkedHooks
  ) throws(Errno) -> [UInt32: [Attachment]] {
    guard !hooks.cgroup.isEmpty else { return [:] }
    var result: [UInt32: [Attachment]] = [:]
    for cgroup in Cgroup.all() {
      guard let directory = try system.openCgroup(cgroup.path) else { continue }
      for type in hooks.cgroup.sorted() {
        for (program, flags) in try cgroup.unlinked(on: type, of: directory, system: system, linked: linked)
        where hooks.programs.contains(program) {
          let mode = flags & UInt32(BPF_F_ALLOW_MULTI) != 0 ? " multi" : flags != 0 ? " override" : ""
          let description = "cgroup \(cgroup.path) \(attachTypeName(type))\(mode)"
          let replacement = CgroupReplacement(
            system: system, directory: directory, attachType: type, flags: flags, description: description)
          result[program, default: []].append(
            Attachment(kind: "cgroup", description: description, replacement: replacement))
        }
      }
    }
    return result
  }
}

extension Cgroup {
  /// Programs, each with the flags it was attached with. A program is there once without a link at most.
  fileprivate func unlinked(
    on type: UInt32, of directory: SharedFD, system: BPFSystem, linked: LinkedHooks
  ) throws(Errno) -> [(program: UInt32, flags: UInt32)] {
    let entries: [HookContent.Entry]
    do throws(Errno) {
      entries = try directory.withRaw { raw throws(Errno) in
        try system.query(UInt32(bitPattern: raw), attachType: type, detail: Self.detail(for: type)).entries
      }
    } catch .invalidArgument {
      // A hook that this kernel does not have.
      return []
    } catch .noSuchFileOrDirectory {
      // Removed since it was seen.
      return []
    } catch .noSuchDevice {
      return []
    }
    return Dictionary(grouping: entries, by: \.program).sorted { $0.key < $1.key }.compactMap { program, entries in
      let links = linked.count(LinkedHook(kind: .cgroup, program: program, target: id, attachType: type))
      return entries.count > links ? (program, entries[0].flags) : nil
    }
  }
}
