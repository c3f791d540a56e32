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
        #expect(bpf_obj_get_info_by_fd(link, &info, &size) == 0)
        #expect(info.prog_id == id)
      }
      withExtendedLifetime(groups) {}
    }

    @Test("a link to many places is refused with the name of who holds it", .requires(kernel: "6.6", for: "such links"))
    func multiLink() throws {
      let many = try Collection("manyprobes", engine: .reload)
      let id = try many.id("probe")
      let folder = try PinFolder()
      do {
        let link = try uprobeMultiLink(many.open("probe"))
        #expect(bpf_obj_pin(link.rawValue, folder.pin("probes")) == 0)
      }
      let pinned = #expect(throws: StaticKeysError.self) { try many.flip(.enable, "variant") }
      #expect(pinned?.code == .unsupported)
      let told = "uprobe_multi link"
      #expect(pinned?.message.contains(told) == true, "\(pinned?.description ?? "")")
      #expect(pinned?.message.contains("pinned at \(folder.pin("probes"))") == true, "\(pinned?.description ?? "")")
      let link = try BPF.open(pin: folder.pin("probes"))
      try #require(unlink(folder.pin("probes")) == 0)
      let other = try Sleeper(holding: link)
      let held = #expect(throws: StaticKeysError.self) { try many.flip(.enable, "variant") }
      #expect(held?.message.contains(told) == true)
      #expect(held?.message.contains("held open by 'sleep' (pid \(other.pid))") == true, "\(held?.description ?? "")")
      #expect(try many.id("probe") == id)
    }

    /// A link of one place.
    private func uprobeMultiLink(_ program: borrowing OwnedFD) throws -> OwnedFD {
      // Nobody runs this file, so no process gets the breakpoint.
      let folder = try TemporaryFolder()
      let file = try folder.write([UInt8](repeating: 0x90, count: 8192), to: "code")
      var offsets: [UInt64] = [0x1000]
      let fd = file.withCString { path in
        offsets.withUnsafeMutableBufferPointer { offsets in
          // attr.link_create: prog_fd, target, attach_type, flags; uprobe_multi: path, offsets, two more arrays, count.
          var attr: [UInt64] = [
            UInt64(UInt32(bitPattern: program.rawValue)), UInt64(SK_BPF_TRACE_UPROBE_MULTI),
            UInt64(UInt(bitPattern: path)), UInt64(UInt(bitPattern: offsets.baseAddress)), 0, 0, 1, 0,
          ]
          return sk_bpf(Int32(BPF_LINK_CREATE.rawValue), &attr, UInt32(attr.count * 8))
        }
      }
      guard fd >= 0 else { throw HarnessError("uprobe_multi link", errno: errno) }
      return try OwnedFD(fd, "uprobe_multi link")
    }
  }
}
