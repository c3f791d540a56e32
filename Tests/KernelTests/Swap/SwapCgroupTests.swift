// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Replacing programs that BPF_PROG_ATTACH put on cgroups.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SwapCgroup {
    private static let egress = BPF_CGROUP_INET_EGRESS.rawValue

    private func open(_ cgroup: Cgroup) throws -> OwnedFD {
      try OwnedFD(Glibc.open(cgroup.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), cgroup.path)
    }

    @Test(
      "a hook that takes one program, one that lets children override it, one that takes several",
      arguments: [0, UInt32(BPF_F_ALLOW_OVERRIDE), UInt32(BPF_F_ALLOW_MULTI)])
    func modes(flags: UInt32) throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let group = try Cgroup()
      let directory = try open(group)
      try BPF.attach(cgroups.open("on_egress"), to: directory.rawValue, Self.egress, flags: flags)
      let report = try cgroups.flip(.enable, "forbid")
      let new = try cgroups.id("on_egress")
      let now = try BPF.attached(to: directory.rawValue, Self.egress)
      #expect(now.programs == [new] && now.flags == flags)
      #expect(report.stillHeld.isEmpty)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("cgroup \(group.path) ") })
    }

    @Test(
      "every hook that a cgroup has for such programs",
      arguments: [
        "on_ingress": BPF_CGROUP_INET_INGRESS, "on_create": BPF_CGROUP_INET_SOCK_CREATE,
        "on_bind": BPF_CGROUP_INET4_POST_BIND, "on_connect": BPF_CGROUP_INET4_CONNECT,
        "on_option": BPF_CGROUP_SETSOCKOPT, "on_device": BPF_CGROUP_DEVICE, "on_sysctl": BPF_CGROUP_SYSCTL,
        "on_state": BPF_CGROUP_SOCK_OPS,
      ].mapValues(\.rawValue))
    func everyHook(program: String, type: UInt32) throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let group = try Cgroup()
      let directory = try open(group)
      try BPF.attach(cgroups.open(program), to: directory.rawValue, type, flags: UInt32(BPF_F_ALLOW_MULTI))
      let old = try cgroups.id(program)
      let report = try cgroups.flip(.enable, "forbid")
      #expect(try cgroups.id(program) != old)
      #expect(try BPF.attached(to: directory.rawValue, type).programs == [cgroups.id(program)])
      #expect(report.stillHeld.isEmpty)
    }

    @Test("among programs of others it keeps its turn, and they are left alone")
    func order() throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let (first, last) = (try Collection("cgroup", engine: .reload), try Collection("cgroup", engine: .reload))
      let group = try Cgroup()
      let directory = try open(group)
      let multi = UInt32(BPF_F_ALLOW_MULTI)
      try BPF.attach(first.open("egress"), to: directory.rawValue, Self.egress, flags: multi)
      try BPF.attach(cgroups.open("on_egress"), to: directory.rawValue, Self.egress, flags: multi)
      try BPF.attach(last.open("egress"), to: directory.rawValue, Self.egress, flags: multi)
      try cgroups.flip(.enable, "forbid")
      let expected = [try first.id("egress"), try cgroups.id("on_egress"), try last.id("egress")]
      #expect(try BPF.attached(to: directory.rawValue, Self.egress).programs == expected)
    }

    @Test("the program that decides is the new one: what was let out before is held back")
    func decides() throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let veth = try VethPair()
      let group = try Cgroup()
      let directory = try open(group)
      try BPF.attach(cgroups.open("on_connect"), to: directory.rawValue, BPF_CGROUP_INET4_CONNECT.rawValue)
      let connect = veth.sender.command(
        group.command(["bash", "-c", "exec 3<>/dev/udp/\(VethPair.receiverAddress)/7777"]))
      #expect(try run(connect).status == 0)
      try cgroups.flip(.enable, "forbid")
      let refused = try run(connect)
      #expect(refused.status != 0 && refused.stderr.contains("not permitted"), "\(refused.stderr)")
      try cgroups.flip(.disable, "forbid")
      #expect(try run(connect).status == 0)
    }

    @Test(
      "another program that took the hook meanwhile stays, and all goes back",
      arguments: [0, UInt32(BPF_F_ALLOW_MULTI)])
    func changedMeanwhile(flags: UInt32) throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let other = try Collection("cgroup", engine: .reload)
      let group = try Cgroup()
      let (old, theirs) = (try cgroups.id("on_egress"), try other.id("egress"))
      let directory = try open(group)
      try BPF.attach(cgroups.open("on_egress"), to: directory.rawValue, Self.egress, flags: flags)
      let error = #expect(throws: StaticKeysError.self) {
        try cgroups.flip(.enable, "forbid", disturbedBefore: .programLoad) {
          let directory = try OwnedFD(Glibc.open(group.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group.path)
          try BPF.detach(BPF.open(.program, id: old), from: directory.rawValue, Self.egress)
          try BPF.attach(BPF.open(.program, id: theirs), to: directory.rawValue, Self.egress, flags: flags)
        }
      }
      #expect(error.saysChanged("cgroup \(group.path)"), "\(error?.description ?? "")")
      #expect(try BPF.attached(to: directory.rawValue, Self.egress).programs == [theirs])
      #expect(try cgroups.id("on_egress") == old)
      #expect(try cgroups.state("forbid") == .off)
    }

    @Test("a cgroup that is removed in mid-flip does not stop it")
    func cgroupGone() throws {
      let cgroups = try Collection("cgroups", engine: .reload)
      let group = try Cgroup()
      let directory = try open(group)
      try BPF.attach(
        cgroups.open("on_egress"), to: directory.rawValue, Self.egress, flags: UInt32(BPF_F_ALLOW_MULTI))
      let path = group.path
      let report = try cgroups.flip(.enable, "forbid", disturbedBefore: .programLoad) {
        guard rmdir(path) == 0 else { throw HarnessError(path, errno: errno) }
      }
      #expect(report.programs.flatMap(\.places).allSatisfy { $0.hasPrefix("pin ") })
      #expect(try cgroups.state("forbid") == .on)
      #expect(report.stillHeld.isEmpty)
    }
  }
}
