// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Replacing the programs of a socket map and of a namespace's flow dissector, and the program of an iterator's link.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SwapSocket {
    private static let kinds = [
      "verdict": BPF_SK_SKB_STREAM_VERDICT.rawValue, "message": BPF_SK_MSG_VERDICT.rawValue,
    ]

    @Test("of a socket map, by BPF_PROG_ATTACH", arguments: kinds)
    func socketMap(program: String, type: UInt32) throws {
      let hooks = try Collection("hooks", engine: .reload)
      let map = try BPF.open(pin: hooks.pin("maps", "sockets"))
      try BPF.attach(hooks.open(program), to: map.rawValue, type)
      let old = try hooks.id(program)
      let report = try hooks.flip(.enable, "variant")
      let new = try hooks.id(program)
      #expect(new != old)
      #expect(try BPF.attached(to: map.rawValue, type).programs == [new])
      #expect(report.programs.flatMap(\.places).contains { $0.contains("socket map sockets") })
      #expect(report.stillHeld.isEmpty)
      // The map would keep its program, and the program the map.
      try BPF.detach(hooks.open(program), from: map.rawValue, type)
    }

    @Test("of a socket map, by a link", .requires(kernel: "6.10", for: "links to socket maps"), arguments: kinds)
    func socketMapLink(program: String, type: UInt32) throws {
      let hooks = try Collection("hooks", engine: .reload)
      let map = try BPF.open(pin: hooks.pin("maps", "sockets"))
      let link = try BPF.link(hooks.open(program), to: map.rawValue, type)
      let report = try hooks.flip(.enable, "variant")
      #expect(try BPF.programID(of: link) == hooks.id(program))
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("sockmap link ") })
      #expect(report.stillHeld.isEmpty)
    }

    @Test("of a socket map that got another program meanwhile: that stays, and all goes back")
    func socketMapChanged() throws {
      let (hooks, other) = (try Collection("hooks", engine: .reload), try Collection("hooks", engine: .reload))
      let type = BPF_SK_MSG_VERDICT.rawValue
      let pin = hooks.pin("maps", "sockets")
      let map = try BPF.open(pin: pin)
      let (old, theirs) = (try hooks.id("message"), try other.id("message"))
      try BPF.attach(hooks.open("message"), to: map.rawValue, type)
      let error = #expect(throws: StaticKeysError.self) {
        try hooks.flip(.enable, "variant", disturbedBefore: .programLoad) {
          let map = try BPF.open(pin: pin)
          try BPF.attach(BPF.open(.program, id: theirs), to: map.rawValue, type)
        }
      }
      #expect(error.saysChanged("socket map sockets"), "\(error?.description ?? "")")
      #expect(try BPF.attached(to: map.rawValue, type).programs == [theirs])
      #expect(try hooks.id("message") == old)
      #expect(try hooks.state("variant") == .off)
      try BPF.detach(other.open("message"), from: map.rawValue, type)
    }

    /// The ids of a namespace's flow dissectors.
    private func dissectors(_ namespace: NetNS) throws -> [UInt32] {
      let file = try OwnedFD(open(namespace.path, O_RDONLY | O_CLOEXEC), namespace.path)
      return try BPF.attached(to: file.rawValue, BPF_FLOW_DISSECTOR.rawValue).programs
    }

    @Test("a flow dissector, by BPF_PROG_ATTACH")
    func flowDissector() throws {
      let hooks = try Collection("hooks", engine: .reload)
      let namespace = try NetNS()
      let pin = hooks.pin("progs", "dissect")
      try namespace.onThread { try BPF.attach(BPF.open(pin: pin), to: 0, BPF_FLOW_DISSECTOR.rawValue) }
      let old = try hooks.id("dissect")
      #expect(try dissectors(namespace) == [old])
      let report = try hooks.flip(.enable, "variant")
      #expect(try hooks.id("dissect") != old)
      #expect(try dissectors(namespace) == [hooks.id("dissect")])
      #expect(report.programs.flatMap(\.places).contains("flow dissector of network namespace \(namespace.name)"))
      #expect(report.stillHeld.isEmpty)
    }

    @Test("a flow dissector that got another program meanwhile: that stays, and all goes back")
    func flowDissectorChanged() throws {
      let (hooks, other) = (try Collection("hooks", engine: .reload), try Collection("hooks", engine: .reload))
      let namespace = try NetNS()
      let pin = hooks.pin("progs", "dissect")
      try namespace.onThread { try BPF.attach(BPF.open(pin: pin), to: 0, BPF_FLOW_DISSECTOR.rawValue) }
      let (old, theirs) = (try hooks.id("dissect"), try other.id("dissect"))
      let error = #expect(throws: StaticKeysError.self) {
        try hooks.flip(.enable, "variant", disturbedBefore: .programLoad) {
          try namespace.onThread { try BPF.attach(BPF.open(.program, id: theirs), to: 0, BPF_FLOW_DISSECTOR.rawValue) }
        }
      }
      #expect(error.saysChanged("network namespace \(namespace.name)"), "\(error?.description ?? "")")
      #expect(try dissectors(namespace) == [theirs])
      #expect(try hooks.id("dissect") == old)
    }

    @Test("a flow dissector, by a link of the network namespace")
    func namespaceLink() throws {
      let hooks = try Collection("hooks", engine: .reload)
      let namespace = try NetNS()
      let file = try OwnedFD(open(namespace.path, O_RDONLY | O_CLOEXEC), namespace.path)
      let link = try BPF.link(hooks.open("dissect"), to: file.rawValue, BPF_FLOW_DISSECTOR.rawValue)
      let report = try hooks.flip(.enable, "variant")
      #expect(try BPF.programID(of: link) == hooks.id("dissect"))
      #expect(try dissectors(namespace) == [hooks.id("dissect")])
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("netns link ") })
      #expect(report.stillHeld.isEmpty)
    }

    @Test("a look-up of sockets, by a link of the network namespace")
    func socketLookup() throws {
      let lookup = try Collection("lookup", engine: .reload)
      let veth = try VethPair()
      let file = try OwnedFD(open(veth.receiver.path, O_RDONLY | O_CLOEXEC), veth.receiver.path)
      let link = try BPF.link(lookup.open("find"), to: file.rawValue, BPF_SK_LOOKUP.rawValue)
      let receiver = try UDPReceiver(in: veth.receiver)
      #expect(try UDPSender(in: veth.sender, count: 100).finish() == 100)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count == 100 })
      let report = try lookup.flip(.enable, "variant")
      #expect(try BPF.programID(of: link) == lookup.id("find"))
      #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("netns link ") })
      #expect(report.stillHeld.isEmpty)
      // The sender is told that nobody listens.
      _ = try? UDPSender(in: veth.sender, count: 100).finish()
      try lookup.flip(.disable, "variant")
      #expect(try UDPSender(in: veth.sender, count: 50).finish() == 50)
      #expect(eventually(within: .seconds(2)) { receiver.tally.count >= 150 })
      #expect(receiver.tally.count == 150)
    }

    @Test("an iterator: who opens it next reads what the new program writes, who has it open goes on with the old")
    func iterator() throws {
      let hooks = try Collection("hooks", engine: .reload)
      let link = try BPF.link(hooks.open("maps"), to: 0, BPF_TRACE_ITER.rawValue)
      func reader() throws -> OwnedFD { try OwnedFD(bpf_iter_create(link.rawValue), "iterator") }
      func text(_ file: borrowing OwnedFD) -> Set<UInt8> {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(file.rawValue, &bytes, bytes.count)
        return Set(bytes.prefix(max(count, 0)))
      }
      #expect(try text(reader()) == Set("o".utf8))
      var old: UInt32 = 0
      do {
        let early = try reader()
        old = try hooks.id("maps")
        let report = try hooks.flip(.enable, "variant")
        #expect(report.programs.flatMap(\.places).contains { $0.hasPrefix("iter link ") })
        #expect(report.stillHeld == [old])
        #expect(try BPF.programID(of: link) == hooks.id("maps"))
        #expect(try text(reader()) == Set("n".utf8))
        #expect(text(early) == Set("o".utf8))
      }
      #expect(eventually(within: .seconds(2)) { (try? BPF.ids(of: .program).contains(old)) == false })
      #expect(try hooks.state("variant") == .on)
    }
  }
}
