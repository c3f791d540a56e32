// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Hook {
  /// Attaches a program by new links, mostly one; the hook is free again when they are closed and nowhere pinned.
  ///
  /// - Throws: `.notFound` for a device, namespace or cgroup that does not exist, `.exists` if another program has the
  ///   hook, `.unsupported` on a kernel without it, `.permission`, `.kernel`.
  func attach(_ program: OpenProgram, system: BPFSystem) throws(StaticKeysError) -> [SharedFD] {
    switch self {
    case .xdp(let device, let namespace):
      [try attach(program, to: device, in: namespace, type: BPF_XDP.rawValue, system: system)]
    case .tcxIngress(let device, let namespace):
      [try attach(program, to: device, in: namespace, type: UInt32(SK_BPF_TCX_INGRESS), system: system)]
    case .tcxEgress(let device, let namespace):
      [try attach(program, to: device, in: namespace, type: UInt32(SK_BPF_TCX_EGRESS), system: system)]
    case .cgroup(let path):
      [try attach(program, toCgroup: path, system: system)]
    case .tracing(let hook):
      try hook.attach(program, system: system)
    }
  }

  private func attach(
    _ program: OpenProgram, to device: String, in namespace: NetworkNamespace, type: UInt32, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    try namespace.enter(system: system) { () throws(StaticKeysError) in
      let index = if_nametoindex(device)
      guard index != 0 else {
        let place = namespace.name.map { " in network namespace '\($0)'" } ?? ""
        throw StaticKeysError(
          .notFound, "there is no device '\(device)'\(place)", errno: errno, advice: "see 'ip link'")
      }
      return try createLink(program, target: Int32(bitPattern: index), type: type, system: system)
    }
  }

  private func attach(
    _ opened: OpenProgram, toCgroup path: FilePath, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    let program = opened.program
    guard program.template.expectedAttachType != 0 || program.section == "cgroup_skb/ingress" else {
      throw StaticKeysError(
        .usage, "the section '\(program.section)' does not say on which of a cgroup's hooks it goes",
        at: Place(program: program.name), advice: "use one such as SEC(\"cgroup_skb/egress\")")
    }
    let directory: SharedFD?
    do throws(Errno) {
      directory = try system.openCgroup(path)
    } catch {
      throw .kernel(error, "cannot open the cgroup '\(path)'", at: Place(program: program.name), needs: [.sysAdmin])
    }
    guard let directory else {
      throw StaticKeysError(
        .notFound, "there is no cgroup '\(path)'", at: Place(program: program.name),
        errno: Errno.noSuchFileOrDirectory.rawValue)
    }
    return try directory.withRaw { target throws(StaticKeysError) in
      try createLink(opened, target: target, type: program.template.expectedAttachType, system: system)
    }
  }

  private func createLink(
    _ opened: OpenProgram, target: Int32, type: UInt32, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    let place = Place(program: opened.program.name)
    do throws(Errno) {
      return try system.createLink(program: opened.fd, target: target, attachType: type)
    } catch .resourceBusy {
      throw StaticKeysError(
        .exists, "\(self) is taken by another program", at: place, errno: Errno.resourceBusy.rawValue,
        advice: "see 'bpftool net' and 'bpftool link'; detach that one first")
    } catch .invalidArgument {
      let since = if case .xdp = self { "5.9" } else if case .cgroup = self { "5.7" } else { "6.6" }
      throw StaticKeysError(
        .unsupported, "the kernel refuses to attach it to \(self)", at: place, errno: Errno.invalidArgument.rawValue,
        advice: "links there came with Linux \(since); 'probe' tells what this one has")
    } catch {
      throw .kernel(error, "cannot attach it to \(self)", at: place, needs: [.netAdmin, .bpf])
    }
  }
}
