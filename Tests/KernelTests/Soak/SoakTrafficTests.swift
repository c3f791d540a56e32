// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

/// How a program hangs that is replaced under traffic.
enum SwapKind: String, CaseIterable, CustomTestStringConvertible {
  case xdpLink = "XDP link"
  case xdpSlot = "XDP slot"
  case xdpDriver = "XDP by ip link, in the driver"
  case xdpGeneric = "XDP by ip link, generic"
  case tcxLink = "tcx link"
  case tcxAttached = "tcx by BPF_PROG_ATTACH"
  case filter = "tc filter"
  case cgroupLink = "cgroup link"
  case cgroupAttached = "cgroup by BPF_PROG_ATTACH"
  case arraySlot = "slot of another loader's program array"
  case netkitAttached = "netkit by BPF_PROG_ATTACH"

  var testDescription: String { rawValue }

  /// Those that the running kernel has.
  static let possible = allCases.filter { kind in
    switch kind {
    case .tcxLink, .tcxAttached: Requirement.tooOld(.running, for: kind.rawValue, since: "6.6") == nil
    case .netkitAttached: Netkit.isThere
    default: true
    }
  }
}

/// A collection `rate` that counts what a veth brings, in one of these ways.
private struct RateStage {
  let veth: VethPair
  let rate: Collection
  /// Where packets are to be sent.
  let address: String
  private let foreign: ForeignSlot?
  private let group: Cgroup?
  private let receiver: UDPReceiver?

  init(_ kind: SwapKind) throws {
    let veth = try VethPair()
    self.veth = veth
    group = [.cgroupLink, .cgroupAttached].contains(kind) ? try Cgroup() : nil
    // The cgroup's hook is reached where somebody listens.
    receiver = try group?.adopting { try UDPReceiver(in: veth.receiver) }
    switch kind {
    case .xdpLink: rate = try Collection("rate", attach: ["xdp:\(veth.receiverHook)"])
    case .xdpSlot: rate = try Collection("rate", attach: ["xdp:\(veth.receiverHook)"], via: .slot)
    case .tcxLink: rate = try Collection("rate", attach: ["tcx-ingress:\(veth.receiverHook)"])
    case .cgroupLink: rate = try Collection("rate", attach: ["cgroup:\(group?.path ?? "")"])
    case .xdpDriver, .xdpGeneric, .tcxAttached, .filter, .cgroupAttached, .arraySlot, .netkitAttached:
      rate = try Collection("rate")
    }
    let device = veth.receiver
    foreign =
      kind == .arraySlot
      ? try ForeignSlot(for: rate.pin("progs", "rate_xdp"), on: VethPair.receiverDevice, in: device) : nil
    address = kind == .netkitAttached ? "10.78.0.2" : VethPair.receiverAddress
    switch kind {
    case .xdpDriver: try device.run("ip link set dev rx0 xdpdrv pinned \(rate.pin("progs", "rate_xdp"))")
    case .xdpGeneric: try device.run("ip link set dev rx0 xdpgeneric pinned \(rate.pin("progs", "rate_xdp"))")
    case .filter:
      try device.run("tc qdisc add dev rx0 clsact")
      try device.run("tc filter add dev rx0 ingress bpf da object-pinned \(rate.pin("progs", "rate_tc"))")
    case .tcxAttached:
      let (pin, index) = (rate.pin("progs", "rate_tc"), Int32(try device.index(of: "rx0")))
      try device.onThread { try BPF.attach(BPF.open(pin: pin), to: index, UInt32(SK_BPF_TCX_INGRESS)) }
    case .cgroupAttached:
      let path = group?.path ?? ""
      let directory = try OwnedFD(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path)
      try BPF.attach(rate.open("rate_cgroup"), to: directory.rawValue, BPF_CGROUP_INET_INGRESS.rawValue)
    case .netkitAttached: try attachToNetkit()
    case .xdpLink, .xdpSlot, .tcxLink, .cgroupLink, .arraySlot: break
    }
  }

  /// Puts one end of a netkit pair where the sender is; what that sends passes the program.
  private func attachToNetkit() throws {
    try Netkit.make(in: veth.receiver)
    try veth.receiver.ip("link set primary up\nlink set \(Netkit.peer) netns \(veth.sender.name)\n")
    try veth.sender.ip("address add 10.78.0.1/24 dev \(Netkit.peer)\nlink set \(Netkit.peer) up\n")
    let (pin, index) = (rate.pin("progs", "rate_tc"), Int32(try veth.receiver.index(of: "primary")))
    try veth.receiver.onThread { try BPF.attach(BPF.open(pin: pin), to: index, UInt32(SK_BPF_NETKIT_PEER)) }
  }

  /// Ends what would outlive the test: the socket in the cgroup, which keeps the cgroup's programs, and the array.
  func close() throws {
    _ = try receiver?.finish(expecting: 0)
    try foreign?.end()
  }
}

extension KernelTests {
  /// Flips as fast as they go under traffic at the veth's full rate.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SoakTraffic {
    @Test(
      "every packet that the veth carried is counted, at full rate and with flips as fast as they go",
      arguments: SwapKind.possible)
    func fullRate(kind: SwapKind) throws {
      let stage = try RateStage(kind)
      let (veth, rate) = (stage.veth, stage.rate)
      let sender = UDPSender(in: veth.sender, to: stage.address, pace: UDPSender.Pace(burst: 64, pause: 0))
      let start = ContinuousClock.now
      let end = start + Soak.size(.seconds(1), full: .seconds(60))
      var flips = 0
      var engines: Set<String> = []
      // A slow machine takes longer for the flips that are asked for below.
      while ContinuousClock.now < end || flips < 10 {
        engines.formUnion(try rate.flip(.toggle, "variant").programs.map(\.engine.rawValue))
        flips += 1
      }
      let sent = try sender.stop()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      // What the veth's ring had no room for was never received; the kernel counts it for the sender.
      let dropped = try veth.droppedPackets()
      let arms = try BPF.open(pin: rate.pin("maps", "arms"))
      func counted() -> Int { Int((try? BPF.u64(arms, at: 0) + BPF.u64(arms, at: 1)) ?? 0) }
      #expect(eventually(within: .seconds(5)) { counted() == sent - dropped }, "\(sent), \(dropped), \(counted())")
      #expect(try BPF.u64(arms, at: 0) > 0 && BPF.u64(arms, at: 1) > 0)
      #expect(flips >= 10)
      try stage.close()
      #expect(engines == [Collection.flipsInPlace ? "patch" : "reload"])
      Soak.report(
        "\(kind.rawValue), engine \(engines.joined(separator: "+")): \(flips) flips in \(Int(seconds)) s, \(sent) packets sent, "
          + "\(dropped) of them did not fit the veth's ring, \(counted()) counted, \(sent - dropped - counted()) missing"
      )
    }
  }
}
