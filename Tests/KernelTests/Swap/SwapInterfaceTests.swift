// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Replacing programs at the hooks of an interface that take several: tcx and netkit, by a link or by BPF_PROG_ATTACH.
  @Suite(.serialized, .requiresRoot, .requires(kernel: "6.6", for: "tcx"), .censused)
  struct SwapInterface {
    private static let sides = [UInt32(SK_BPF_TCX_INGRESS), UInt32(SK_BPF_TCX_EGRESS)]

    /// The programs at a hook of an interface, in the order in which they run.
    private func attached(to device: String, in namespace: NetNS, _ type: UInt32) throws -> [UInt32] {
      let index = try namespace.index(of: device)
      return try namespace.onThread { try BPF.attached(to: Int32(index), type).programs }
    }

    private func attach(_ pin: String, to device: String, in namespace: NetNS, _ type: UInt32) throws {
      let index = try namespace.index(of: device)
      try namespace.onThread { try BPF.attach(BPF.open(pin: pin), to: Int32(index), type) }
    }

    @Test("tcx: it keeps its turn among programs of others", arguments: sides)
    func tcxOrder(side: UInt32) throws {
      let veth = try VethPair()
      let collections = try (0..<3).map { _ in try Collection("tcx", engine: .reload) }
      for collection in collections { try attach(collection.pin("progs", "tcx"), to: "rx0", in: veth.receiver, side) }
      let before = try attached(to: "rx0", in: veth.receiver, side)
      #expect(try before == collections.map { try $0.id("tcx") })
      let report = try collections[1].flip(.enable, "drop")
      let after = try attached(to: "rx0", in: veth.receiver, side)
      #expect(try after == collections.map { try $0.id("tcx") })
      #expect(after[1] != before[1])
      #expect(report.stillHeld.isEmpty)
      #expect(report.programs.flatMap(\.places).contains { $0.hasSuffix("rx0@\(veth.receiver.name)") })
    }

    @Test("tcx: another program that took the turn meanwhile stays, and all goes back")
    func tcxChanged() throws {
      let veth = try VethPair()
      let (tcx, other) = (try Collection("tcx", engine: .reload), try Collection("tcx", engine: .reload))
      let (old, theirs) = (try tcx.id("tcx"), try other.id("tcx"))
      let index = Int32(try veth.receiver.index(of: "rx0"))
      let side = Self.sides[0]
      try attach(tcx.pin("progs", "tcx"), to: "rx0", in: veth.receiver, side)
      let namespace = veth.receiver
      let error = #expect(throws: StaticKeysError.self) {
        try tcx.flip(.enable, "drop", disturbedBefore: .programLoad) {
          try namespace.onThread {
            try BPF.detach(BPF.open(.program, id: old), from: index, side)
            try BPF.attach(BPF.open(.program, id: theirs), to: index, side)
          }
        }
      }
      #expect(error.saysChanged("rx0@\(namespace.name)"), "\(error?.description ?? "")")
      #expect(try attached(to: "rx0", in: namespace, side) == [theirs])
      #expect(try tcx.id("tcx") == old)
      #expect(try tcx.state("drop") == .off)
    }

    @Test("tcx: an interface that goes away in mid-flip does not stop it")
    func tcxGone() throws {
      let veth = try VethPair()
      let tcx = try Collection("tcx", engine: .reload)
      try attach(tcx.pin("progs", "tcx"), to: "rx0", in: veth.receiver, Self.sides[0])
      let namespace = veth.receiver
      let report = try tcx.flip(.enable, "drop", disturbedBefore: .programLoad) { try namespace.ip("link del rx0\n") }
      #expect(report.programs.flatMap(\.places) == ["pin \(tcx.pin("progs", "tcx"))"])
      #expect(try tcx.state("drop") == .on)
      #expect(report.stillHeld.isEmpty)
    }

    private static let netkits = [UInt32(SK_BPF_NETKIT_PRIMARY), UInt32(SK_BPF_NETKIT_PEER)]

    @Test("netkit: by BPF_PROG_ATTACH, on either side", .requiresNetkit, arguments: netkits)
    func netkit(side: UInt32) throws {
      let namespace = try NetNS()
      try Netkit.make(in: namespace)
      let tcx = try Collection("tcx", engine: .reload)
      try attach(tcx.pin("progs", "tcx"), to: "primary", in: namespace, side)
      let report = try tcx.flip(.enable, "drop")
      #expect(try attached(to: "primary", in: namespace, side) == [tcx.id("tcx")])
      #expect(report.programs.first?.newID == (try tcx.id("tcx")))
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("netkit_") })
      #expect(report.stillHeld.isEmpty)
    }

    @Test("netkit: by a link, on either side", .requiresNetkit, arguments: netkits)
    func netkitLink(side: UInt32) throws {
      let namespace = try NetNS()
      try Netkit.make(in: namespace)
      let tcx = try Collection("tcx", engine: .reload)
      let index = try namespace.index(of: "primary")
      let pin = tcx.pin("progs", "tcx")
      let folder = try PinFolder()
      let linkPin = folder.pin("link")
      try namespace.onThread {
        let link = try BPF.link(BPF.open(pin: pin), to: Int32(index), side)
        #expect(bpf_obj_pin(link.rawValue, linkPin) == 0)
      }
      let report = try tcx.flip(.enable, "drop")
      #expect(try BPF.linkedProgramID(pin: linkPin) == report.programs.first?.newID)
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("netkit link ") })
      #expect(report.stillHeld.isEmpty)
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// The kernel was built with netkit (CONFIG_NETKIT), which Linux has since 6.7; our own in the guests is.
  fileprivate static var requiresNetkit: Self {
    .enabled(if: Netkit.isThere, "not possible here: this kernel was built without netkit")
  }
}
