// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// `load --replace --attach` at hooks whose links keep their program.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct TracingUpgrades {
    @discardableResult
    private func replace(
      _ collection: Collection, by fixture: String, attach: [String] = [], via way: AttachWay = .auto
    ) throws -> UpgradeReport {
      try CollectionLoader().replace(
        FilePath(Fixture.object(fixture, clang: 19)), name: collection.name,
        attach: attach.compactMap(AttachRequest.init), via: way, engine: .reload)
    }

    private func links(_ collection: Collection) throws -> [String] {
      try ChildPins.names(in: "\(collection.report.directory)/links")
    }

    /// Attaches a program by an upgrade, and again by the same, and expects each event to be counted once.
    private func expectOnce(_ attach: String, via way: AttachWay) throws {
      let tracefs = try FileSystemMount("tracefs")
      let collection = try Collection("tracing", engine: .reload)
      #expect(try replace(collection, by: "tracing", attach: [attach], via: way).links.count == 1)
      let attached = try links(collection)
      #expect(try replace(collection, by: "tracing", attach: [attach], via: way).links.isEmpty)
      #expect(try links(collection) == attached)
      let events = Events(count: 64, flip: .zero)
      #expect(eventually(within: .seconds(10)) { events.areOver })
      #expect(try collection.times(of: events) == [1: events.count], "\(attach) via \(way)")
      withExtendedLifetime(tracefs) {}
    }

    @Test(
      "run again, it attaches nothing a second time",
      arguments: ["raw=raw_tp:sys_enter", "typed=tp_btf"], [AttachWay.slot, .link])
    func again(attach: String, way: AttachWay) throws { try expectOnce(attach, via: way) }

    @Test(
      "nor at perf events, where the kernel tells of them", .requires(kernel: "6.16", for: "what links tell of events"),
      arguments: ["tracepoint=tp:syscalls/sys_enter_getpgid", "uprobe=uprobe:libc.so.6:getpgid"])
    func againAtEvents(attach: String) throws { try expectOnce(attach, via: .slot) }

    @Test("an event on each CPU too", .requires(kernel: "6.16", for: "what links tell of events"))
    func againOnEachCPU() throws {
      let collection = try Collection("tracing", engine: .reload)
      #expect(try replace(collection, by: "tracing", attach: ["sample=perf-event:cpu-clock@100"]).links.count == 1)
      let attached = try links(collection)
      #expect(try replace(collection, by: "tracing", attach: ["sample=perf-event:cpu-clock@100"]).links.isEmpty)
      #expect(try links(collection) == attached)
      #expect(try replace(collection, by: "tracing", attach: ["sample=perf-event:page-faults"]).links.count == 1)
      #expect(try links(collection).count == 2 * attached.count)
    }

    @Test("another place of the same kind is one more")
    func otherPlace() throws {
      let collection = try Collection("tracing", attach: ["raw=raw_tp:sys_enter"], engine: .reload)
      #expect(try replace(collection, by: "tracing", attach: ["raw=raw_tp:sys_exit"]).links.count == 1)
      #expect(try links(collection).count == 2)
      #expect(try replace(collection, by: "tracing", attach: ["raw=raw_tp:sys_exit"]).links.isEmpty)
    }

    @Test("a new program that asks for more than the root of its slot does is refused", .requiresTrampolines)
    func functionAddress() throws {
      let plain = try Collection("fentry", attach: ["enter=fentry"], engine: .reload)
      let ids = try plain.programs().map(\.id)
      let error = #expect(throws: StaticKeysError.self) { try replace(plain, by: "trampoline") }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("bpf_get_func_ip()") == true, "\(error?.description ?? "")")
      #expect(try plain.programs().map(\.id) == ids)
      // By a link it has what it asks for.
      let linked = try Collection("fentry", attach: ["enter=fentry"], via: .link, engine: .reload)
      try replace(linked, by: "trampoline")
    }
  }
}
