// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// A toggle swaps without a moment of absence.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Traffic {
    @Test("every numbered packet is counted exactly once over both variants while the key flips")
    func exactlyOnce() throws {
      let packets = 30_000
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"])
      // However slow flips are on this machine, some twenty of them fit into the time that the packets take.
      let flip = try ContinuousClock().measure { try counter.flip(.toggle, "variant") }
      var pace = UDPSender.Pace()
      pace.pause = max(pace.pause, UInt32(flip * 20 / (packets / pace.burst) / .microseconds(1)))
      let sender = UDPSender(in: veth.sender, count: packets, pace: pace)
      var flips = 0
      while sender.sent < packets {
        try counter.flip(.toggle, "variant")
        flips += 1
      }
      #expect(try sender.finish() == packets)
      let arms = try BPF.open(pin: counter.pin("maps", "arms"))
      #expect(eventually(within: .seconds(2)) { (try? BPF.u64(arms, at: 0) + BPF.u64(arms, at: 1)) == UInt64(packets) })
      let seen = try BPF.open(pin: counter.pin("maps", "seen"))
      var times: [UInt32: Int] = [:]
      for packet in 0..<packets { times[try BPF.u32(seen, at: UInt32(packet)), default: 0] += 1 }
      #expect(times == [1: packets])
      #expect(try BPF.u64(arms, at: 0) > 0 && BPF.u64(arms, at: 1) > 0)
      #expect(flips >= 10)
      #expect(try BPF.u32(seen, at: UInt32(packets)) == 0)
    }
  }
}
