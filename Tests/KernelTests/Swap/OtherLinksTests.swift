// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Links of others: unfinished ones, many, and such as keep their program.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct OtherLinks {
    @Test("a link that another loader is just making is waited for a little, and then passed over")
    func unsettledLink() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      let pattern = try #require(KeyPattern("\(counter.name)/variant"))
      let refusals = Atomic<Int>(0)
      let soon = BPFSystem { call throws(Errno) in
        guard call == .linkByID, refusals.add(1, ordering: .relaxed).newValue <= 3 else { return }
        throw Errno.resourceTemporarilyUnavailable
      }
      try Changer(system: soon).flip(.enable, [pattern], engine: .reload)
      #expect(try BPF.linkedProgramID(pin: counter.pin("links", "counter_0")) == counter.id("counter"))
      let never = BPFSystem { call throws(Errno) in
        if call == .linkByID { throw Errno.resourceTemporarilyUnavailable }
      }
      #expect(throws: Never.self) { try AttachmentIndex(system: never, of: counter.programs()) }
    }

    @Test("however many links and namespaces there are, few files are open at once")
    func manyLinks() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"], engine: .reload)
      let cgroup = try Collection("cgroup", engine: .reload)
      let groups = try (0..<3).map { _ in try Cgroup() }
      var links: [Int32] = []
      defer { for link in links { close(link) } }
      for group in groups {
        let directory = try OwnedFD(Glibc.open(group.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group.path)
        let program = try cgroup.open("egress")
        for _ in 0..<50 {
          let link = bpf_link_create(program.rawValue, directory.rawValue, BPF_CGROUP_INET_EGRESS, nil)
          try #require(link >= 0)
          links.append(link)
        }
      }
      let keyctl = ["sh", "-c", #"ulimit -n 64 && exec "$0" "$@""#, try Tools.built("keyctl")]
      try run(keyctl + ["enable", "\(counter.name)/variant", "--engine=reload"]).checked()
      let shown = try run(keyctl + ["show", "\(cgroup.name)/deny"]).checked().stdout
      #expect(shown.contains("cgroup link"))
      try run(keyctl + ["enable", "\(cgroup.name)/deny", "--engine=reload"]).checked()
      let id = try cgroup.id("egress")
      for link in links {
        var info = bpf_link_info()
        var size = UInt32(MemoryLayout<bpf_link_info>.size)
        #expect(bpf_obj_get_info_by_fd(link, &info, &size) == 0 && info.prog_id == id)
      }
    }
  }
}
