// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Programs behind slots, at hooks that real events go through.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Slots {
    /// Makes numbered events while a key flips, and expects each to be counted once, by one arm or the other.
    private func expectExactlyOnce(_ fixture: String, _ attach: String) throws {
      let tracefs = try FileSystemMount("tracefs")
      let collection = try Collection(fixture, attach: [attach], engine: .reload)
      let flip = try ContinuousClock().measure { try collection.flip(.toggle, "variant") }
      let events = Events(count: 20_000, flip: flip)
      var flips = 0
      var places: [String] = []
      while !events.areOver {
        places = try collection.flip(.toggle, "variant").programs.flatMap(\.places)
        flips += 1
      }
      #expect(try collection.times(of: events) == [1: events.count], "\(attach), \(flips) flips")
      let arms = try collection.arms()
      #expect(arms.off + arms.on == UInt64(events.count))
      #expect(arms.off > 0 && arms.on > 0)
      #expect(flips >= 5)
      #expect(places.contains { $0.hasPrefix("slot at ") }, "\(places)")
      withExtendedLifetime(tracefs) {}
    }

    @Test(
      "each event is counted exactly once over both variants while the key flips",
      arguments: [
        "raw=raw_tp:sys_enter", "typed=tp_btf", "tracepoint=tp:syscalls/sys_enter_getpgid",
        "uprobe=uprobe:libc.so.6:getpgid",
      ])
    func exactlyOnce(attach: String) throws { try expectExactlyOnce("tracing", attach) }

    @Test("the same at a kprobe", .requires(probe: "kprobe"))
    func kprobe() throws { try expectExactlyOnce("tracing", "kprobe=kprobe:__x64_sys_getpgid") }

    @Test(
      "the same behind the kernel's trampolines", .requiresTrampolines,
      arguments: ["enter=fentry", "leave=fexit"])
    func trampolines(attach: String) throws { try expectExactlyOnce("trampoline", attach) }

    /// Has 2,000 events of this process in each state of the key, and expects each to be counted.
    private func expectAll(_ fixture: String, _ attach: String) throws {
      let collection = try Collection(fixture, attach: [attach], engine: .reload)
      try collection.countOwnEvents()
      for _ in 0..<2000 { _ = getpgid(getpid()) }
      #expect(try collection.arms() == (2000, 0))
      try collection.flip(.enable, "variant")
      for _ in 0..<2000 { _ = getpgid(getpid()) }
      #expect(try collection.arms() == (2000, 2000))
    }

    @Test func uretprobe() throws { try expectAll("tracing", "uretprobe=uretprobe:libc.so.6:getpgid") }

    @Test(.requires(probe: "kprobe"))
    func kretprobe() throws { try expectAll("tracing", "kretprobe=kretprobe:__x64_sys_getpgid") }

    @Test("hooks that decide", .requiresTrampolines, arguments: ["guard=lsm", "modify=fmod_ret"])
    func deciding(attach: String) throws { try expectAll("trampoline", attach) }

    @Test("a perf event is attached on each CPU, and flips with one map update")
    func perfEvent() throws {
      let sampled = try Collection("tracing", attach: ["sample=perf-event:cpu-clock@1000"], engine: .reload)
      try sampled.countOwnEvents()
      func spin() { Self.spin(for: .milliseconds(300)) }
      spin()
      let before = try sampled.arms()
      #expect(before.off > 0 && before.on == 0)
      try sampled.flip(.enable, "variant")
      let links = try ChildPins.names(in: "\(sampled.report.directory)/links")
      #expect(links.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
      spin()
      let after = try sampled.arms()
      #expect(after.on > 0)
    }

    private static func spin(for duration: Duration) {
      let end = ContinuousClock.now + duration
      while ContinuousClock.now < end {}
    }

    @Test("fentry's root asks for the function's address, so that the program gets it", .requiresTrampolines)
    func functionAddress() throws {
      let traced = try Collection("trampoline", attach: ["enter=fentry"], engine: .reload)
      let told = try BPF.open(pin: traced.pin("maps", "told"))
      _ = getpgid(0)
      let symbols = try run(["grep", "-w", "__x64_sys_getpgid", "/proc/kallsyms"]).checked().stdout
      let address = try #require(UInt64(symbols.prefix { $0 != " " }, radix: 16))
      // The kernel may have an endbr64 before the place that it calls the trampoline from.
      #expect(address...(address + 4) ~= (try BPF.u64(told, at: 0)))
      #expect(try BPF.u64(told, at: 1) == 0)
    }

    @Test("'auto' attaches what the sections say, and says of others that they do not")
    func auto() throws {
      let attached = try Collection("rawtp", attach: ["auto"])
      #expect(
        attached.report.links.map { "\($0.program) \($0.hook) \($0.behindSlot)" } == ["rawtp raw_tp:sys_enter true"])
      let one = try Collection("tracing", attach: ["uprobe=auto"])
      #expect(one.report.links.map(\.hook.description) == ["uprobe:libc.so.6:getpgid"])
      let error = #expect(throws: StaticKeysError.self) { try Collection("counter", attach: ["counter=auto"]) }
      #expect(error?.code == .usage && error?.message.contains("'xdp'") == true)
      let none = #expect(throws: StaticKeysError.self) { try Collection("counter", attach: ["auto"]) }
      #expect(none?.code == .notFound)
    }

    @Test("a sleepable program is refused with the reason, and nothing stays; by a link it goes")
    func sleepable() throws {
      let error = #expect(throws: StaticKeysError.self) { try Collection("sleepable", attach: ["auto"]) }
      #expect(error?.code == .unsupported)
      #expect(error?.message.contains("sleepable") == true, "\(error?.description ?? "")")
      #expect(Collection.ownNames().isEmpty)
      let linked = try Collection("sleepable", attach: ["auto"], via: .link)
      #expect(linked.report.links.map(\.behindSlot) == [false])
    }

    @Test(
      "a hook that is not there is refused by name, and nothing stays",
      arguments: [
        ("raw=raw_tp:nosuch", "raw tracepoint 'nosuch'"), ("tracepoint=tp:syscalls/nosuch", "'syscalls/nosuch'"),
        ("uprobe=uprobe:libc.so.6:nosuch", "no function 'nosuch'"), ("uprobe=uprobe:nosuch:x", "no 'nosuch' in PATH"),
        ("uprobe=uprobe:/etc/passwd:x", "no program or library"), ("uprobe=uprobe:/nosuch:x", "no file '/nosuch'"),
        ("raw=tp:syscalls/sys_enter", "cannot go to"), ("counter=raw_tp:x", "no program 'counter'"),
      ])
    func missingHook(attach: String, told: String) throws {
      let tracefs = try FileSystemMount("tracefs")
      let error = #expect(throws: StaticKeysError.self) { try Collection("tracing", attach: [attach]) }
      #expect(error?.description.contains(told) == true, "\(error?.description ?? "")")
      #expect(Collection.ownNames().isEmpty)
      withExtendedLifetime(tracefs) {}
    }

    @Test("a kernel without kprobes is said to be so")
    func noKprobes() throws {
      guard access("/sys/bus/event_source/devices/kprobe", F_OK) != 0 else {
        _ = try Collection("tracing", attach: ["kprobe=kprobe:__x64_sys_getpgid", "kretprobe=auto"])
        return
      }
      let error = #expect(throws: StaticKeysError.self) { try Collection("tracing", attach: ["kprobe=auto"]) }
      #expect(error?.code == .unsupported && error?.message == "this kernel has no kprobes")
    }
  }
}

/// The names of pins in a folder.
enum ChildPins {
  static func names(in folder: String) throws -> [String] {
    try run(["ls", folder]).checked().stdout.split(separator: "\n").map(String.init)
  }
}
