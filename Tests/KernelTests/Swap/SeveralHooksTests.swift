// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

/// The three programs of `rate`, each at several hooks of different kinds, and what those hooks hold.
private struct ManyHooks {
  let first: VethPair
  let second: VethPair
  let groups: [Cgroup]
  let rate: Collection
  private let folder: PinFolder
  static let hasTCX = Requirement.tooOld(.running, for: "tcx", since: "6.6") == nil

  init(system: BPFSystem) throws {
    (first, second, folder) = (try VethPair(), try VethPair(), try PinFolder())
    groups = [try Cgroup(), try Cgroup()]
    rate = try Collection(
      "rate", attach: ["rate_xdp=xdp:\(first.receiverHook)", "rate_cgroup=cgroup:\(groups[0].path)"], engine: .reload,
      system: system)
    let (xdp, tc) = (rate.pin("progs", "rate_xdp"), rate.pin("progs", "rate_tc"))
    try second.receiver.run("ip link set dev rx0 xdpdrv pinned \(xdp)")
    try second.sender.run("ip link set dev tx0 xdpgeneric pinned \(xdp)")
    for device in [first.receiver, second.receiver] {
      try device.run("tc qdisc add dev rx0 clsact")
      try device.run("tc filter add dev rx0 ingress bpf da object-pinned \(tc)")
    }
    if Self.hasTCX {
      let index = Int32(try first.receiver.index(of: "rx0"))
      try first.receiver.onThread { try BPF.attach(BPF.open(pin: tc), to: index, UInt32(SK_BPF_TCX_EGRESS)) }
    }
    let directory = try open(groups[1])
    try BPF.attach(
      rate.open("rate_cgroup"), to: directory.rawValue, BPF_CGROUP_INET_INGRESS.rawValue,
      flags: UInt32(BPF_F_ALLOW_MULTI))
    let program = try rate.open("rate_cgroup")
    #expect(bpf_obj_pin(program.rawValue, folder.pin("extra")) == 0)
  }

  private func open(_ group: Cgroup) throws -> OwnedFD {
    try OwnedFD(Glibc.open(group.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group.path)
  }

  /// The programs at all places, by the program's name.
  func programs() throws -> [String: [UInt32?]] {
    let index = Int32(try first.receiver.index(of: "rx0"))
    let tcx =
      try !Self.hasTCX
      ? []
      : first.receiver.onThread {
        try BPF.attached(to: index, UInt32(SK_BPF_TCX_EGRESS)).programs
      }
    let directory = try open(groups[1])
    let linked = try ["rate_xdp_0", "rate_cgroup_1"].map { try BPF.linkedProgramID(pin: rate.pin("links", $0)) }
    return [
      "rate_xdp": try [
        rate.id("rate_xdp"), linked[0], second.receiver.xdpProgram("rx0"), second.sender.xdpProgram("tx0"),
      ],
      "rate_tc": try [rate.id("rate_tc")] + first.receiver.filters("rx0", "ingress").map(\.program)
        + second.receiver.filters("rx0", "ingress").map(\.program) + tcx,
      "rate_cgroup": try [rate.id("rate_cgroup"), linked[1], BPF.programID(pin: folder.pin("extra"))]
        + BPF.attached(to: directory.rawValue, BPF_CGROUP_INET_INGRESS.rawValue).programs,
    ]
  }
}

extension KernelTests {
  /// Programs that hang at several hooks at once.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .censused)
  struct SeveralHooks {
    /// The calls that put a program somewhere.
    private static let changes: Set<BPFSystem.Call> = [
      .linkUpdate, .programAttach, .xdpReplace, .filterReplace, .rename,
    ]

    @Test("one flip replaces each program at all of its hooks, and nothing holds the old ones")
    func everywhere() throws {
      let stage = try ManyHooks(system: BPFSystem())
      let before = try stage.programs()
      let report = try stage.rate.flip(.enable, "variant")
      let after = try stage.programs()
      for change in report.programs {
        let name = change.plan.template.name
        let places = try #require(before[name])
        #expect(places == Array(repeating: change.plan.programID, count: places.count), "\(name)")
        #expect(after[name] == Array(repeating: change.newID, count: places.count), "\(name)")
        #expect(change.places.count == places.count, "\(name): \(change.places)")
      }
      #expect(report.programs.count == 3)
      #expect(report.stillHeld.isEmpty)
    }

    @Test("list tells in a few words how each program hangs, and as JSON every place")
    func listed() throws {
      let stage = try ManyHooks(system: BPFSystem())
      let slot = try Collection(
        "rate", attach: ["xdp:\(VethPair.senderDevice)@\(stage.first.sender.name)"], via: .slot, engine: .reload)
      let name = stage.rate.name
      func hangs(_ program: String, of collection: String) throws -> Set<String> {
        let text = try keyctl("list", "\(collection)/variant", "--prog", "name:\(program)").checked().stdout
        let lines = text.split(separator: "\n")
        let column = try #require(lines[0].range(of: "HANGS ON")).lowerBound
        let cell = lines[1].dropFirst(lines[0].distance(from: lines[0].startIndex, to: column))
        return Set(cell.split(separator: " + ").map(String.init))
      }
      #expect(try hangs("rate_xdp", of: name) == ["xdp link", "xdpdrv", "xdpgeneric", "pin"])
      #expect(
        try hangs("rate_tc", of: name) == Set(ManyHooks.hasTCX ? ["tcx_egress"] : []).union(["tc filter", "pin"]))
      #expect(try hangs("rate_cgroup", of: name) == ["cgroup link", "cgroup", "pin"])
      #expect(try hangs("rate_xdp", of: slot.name) == ["slot", "pin"])
      let json = try JSON(parsing: keyctl("list", "\(name)/variant", "--json").checked().stdout)
      let places = try stage.programs()
      for program in json[0]?["programs"]?.array ?? [] {
        let told = program["attachments"]?.array.compactMap(\.string) ?? []
        #expect(told.count == places[program["name"]?.string ?? ""]?.count, "\(told)")
      }
      let held = try slot.open("rate_tc")
      try #require(unlink(slot.pin("progs", "rate_tc")) == 0)
      #expect(try hangs("rate_tc", of: slot.name) == ["nothing"])
      #expect(held.rawValue >= 0)
    }

    @Test("an error at each replacement in turn, at whatever hook: all the others go back")
    func everyReplacement() throws {
      let recorder = Recorder()
      let stage = try ManyHooks(system: recorder.system)
      recorder.restart()
      try stage.rate.flip(.enable, "variant")
      let kinds = Set(recorder.calls).intersection(Self.changes)
      #expect(kinds == Self.changes)
      let total = recorder.calls.count { Self.changes.contains($0) }
      #expect(total >= 11)
      recorder.restart()
      let before = try stage.programs()
      for number in 1...total {
        recorder.restart { calls in
          calls.last.map(Self.changes.contains) == true && calls.count { Self.changes.contains($0) } == number
        }
        let error = #expect(throws: StaticKeysError.self, "replacement \(number)") {
          try stage.rate.flip(.disable, "variant")
        }
        recorder.restart()
        #expect(error?.errno == ENOMEM && error?.code != .partlyApplied, "replacement \(number)")
        #expect(try stage.programs() == before, "replacement \(number)")
        #expect(try stage.rate.state("variant") == .on)
      }
    }

    @Test("an error at each kernel call in turn of a flip at a filter, an interface and a cgroup: all or nothing")
    func everyCall() throws {
      let veth = try VethPair()
      let group = try Cgroup()
      let recorder = Recorder()
      let rate = try Collection("rate", engine: .reload, system: recorder.system)
      let device = veth.receiver
      try device.run("ip link set dev rx0 xdpdrv pinned \(rate.pin("progs", "rate_xdp"))")
      try device.run("tc qdisc add dev rx0 clsact")
      try device.run("tc filter add dev rx0 ingress bpf da object-pinned \(rate.pin("progs", "rate_tc"))")
      let directory = try OwnedFD(Glibc.open(group.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group.path)
      let type = BPF_CGROUP_INET_INGRESS.rawValue
      try BPF.attach(rate.open("rate_cgroup"), to: directory.rawValue, type, flags: UInt32(BPF_F_ALLOW_MULTI))
      func programs() throws -> [[UInt32?]] {
        let pinned = try ["rate_xdp", "rate_tc", "rate_cgroup"].map { try rate.id($0) }
        let hooked: [UInt32?] = try [
          device.xdpProgram("rx0"), device.filters("rx0", "ingress").first?.program,
          BPF.attached(to: directory.rawValue, type).programs.first,
        ]
        return [pinned, hooked]
      }
      let changes: Set<BPFSystem.Call> = [.xdpReplace, .filterReplace, .programAttach, .rename]
      var forced = 0
      var before = try programs()
      for number in 0... {
        recorder.restart { $0.count == number + 1 }
        let result = Result { try rate.flip(.enable, "variant") }
        let calls = recorder.calls
        recorder.restart()
        if calls.indices.contains(number) { forced += 1 }
        let now = try programs()
        try #require(now[0] == now[1], "call \(number)")
        guard case .success(let report) = result else {
          let failed = calls[number]
          let error = #expect(throws: StaticKeysError.self) { try result.get() }
          #expect(error?.errno == ENOMEM && error?.code != .partlyApplied, "call \(number), \(failed)")
          try #require(now == before, "call \(number), \(failed)")
          continue
        }
        // Nothing but the look for what outlived the flip may fail and not be an error.
        #expect(number > (try #require(calls.lastIndex(where: changes.contains))), "call \(number)")
        #expect(report.programs.count == 3 && now != before)
        // Where the look for it failed, the old variant may still be going.
        #expect(eventually(within: .seconds(2)) { (try? rate.state("variant")) == .on }, "call \(number)")
        if number >= calls.count { break }
        try rate.flip(.disable, "variant")
        before = try programs()
      }
      #expect(forced > 100)
      Soak.report("\(forced) kernel calls of a flip at a tc filter, an XDP hook and a cgroup failed, one at a time")
    }
  }
}
