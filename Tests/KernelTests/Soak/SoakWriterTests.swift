// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Many writers at once, and one for a long time.
  @Suite(.serialized, .requiresRoot, .censused)
  struct SoakWriters {
    private static let script = #"""
      i=0
      while [ $i -lt "$2" ]; do
        told=$("$0" toggle "$1") || exit
        i=$((i + 1))
      done
      echo "$told"
      """#

    @Test("eight processes toggle a key each of the same programs; no toggle is lost, each key is as its last one told")
    func eight() throws {
      let times = Soak.size(12, full: 1_000)
      let eight = try Collection("eight")
      let binary = try Tools.built("keyctl")
      let start = ContinuousClock.now
      let writers = try (0..<8).map { number in
        // Half of the keys are toggled once more than the others.
        try ChildProcess(["bash", "-c", Self.script, binary, "\(eight.name)/k\(number)", String(times + number % 2)])
      }
      var bits: UInt32 = 0
      for (number, writer) in writers.enumerated() {
        let result = try writer.wait(timeout: .seconds(3_000)).checked()
        #expect(result.stderr == "")
        let on = (times + number % 2) % 2 == 1
        let told = "\(eight.name)/k\(number): \(on ? "off -> on" : "on -> off") ("
        #expect(result.stdout.hasPrefix(told), "\(result)")
        #expect(try eight.state("k\(number)") == (on ? .on : .off))
        if on { bits |= 1 << UInt32(number) }
      }
      #expect(try eight.run("eight_xdp") == bits)
      #expect(try eight.run("eight_tc") == bits)
      #expect(try eight.programs().count == 2)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      Soak.report(
        "8 processes toggled \(times) times or once more each, in \(Int(seconds)) s; no toggle was lost, and every key is "
          + "as its last one left it")
    }

    @Test("descriptors, programs, maps and links stay as many over many toggles, and memory does not grow")
    func long() async throws {
      let rounds = Soak.size(300, full: 10_000)
      let veth = try VethPair()
      var hooks = ["multi_xdp=xdp:\(veth.receiverHook)"]
      let hasTCX = Requirement.tooOld(.running, for: "tcx links", since: "6.6") == nil
      if hasTCX { hooks.append("multi_tc=tcx-ingress:\(veth.receiverHook)") }
      let interface = Int32(try veth.receiver.index(of: VethPair.receiverDevice))
      let multi = try Collection("multi", attach: hooks)
      // Before the first flip: after one, the programs that it replaced may still be on their way out.
      let before = try Soak.Counts.now()
      for _ in 0..<rounds / 10 { try multi.flip(.toggle, "deny") }
      let memory = try Soak.residentMemory()
      var engines: Set<String> = []
      let start = ContinuousClock.now
      for _ in 0..<rounds {
        let report = try multi.flip(.toggle, "deny")
        #expect(report.programs.count == 2)
        let new = report.programs.filter { hasTCX || $0.plan.template.name == "multi_xdp" }.map(\.newID)
        let hooked = try veth.receiver.onThread {
          try [BPF.attachedXDP(to: interface)]
            + (hasTCX ? BPF.attached(to: interface, UInt32(SK_BPF_TCX_INGRESS)).programs : [])
        }
        try #require(hooked.count == new.count && Set(hooked) == Set(new))
        engines.formUnion(report.programs.map(\.engine.rawValue))
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      // The programs that run now are others than before: only their number is to be the same.
      let after = try await Soak.Counts.settled(like: before)
      #expect(after == before)
      let now = try Soak.residentMemory()
      // A leak of one template in each flip would be many times that.
      #expect(now - memory < 8 * 1024, "KiB")
      Soak.report(
        "\(rounds) toggles in \(Int(seconds)) s of two programs on \(hooks.count) hooks, engine "
          + "\(engines.sorted().joined(separator: "+")), each hook asked after each toggle: at the start \(before), "
          + "\(memory) KiB resident; at the end \(after), \(now) KiB")
    }
  }
}
