// SPDX-License-Identifier: Apache-2.0

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
        if [ $((RANDOM % 2)) = 0 ]; then verb=enable; else verb=disable; fi
        "$0" $verb -q "$1" || exit
        i=$((i + 1))
      done
      echo $verb
      """#

    @Test("eight processes write a key each of the same programs; each finds what it wrote last")
    func eight() throws {
      let times = Soak.size(12, full: 1_000)
      let eight = try Collection("eight")
      let binary = try Tools.built("keyctl")
      let start = ContinuousClock.now
      let writers = try (0..<8).map { number in
        try ChildProcess(["bash", "-c", Self.script, binary, "\(eight.name)/k\(number)", String(times)])
      }
      var bits: UInt32 = 0
      for (number, writer) in writers.enumerated() {
        let result = try writer.wait(timeout: .seconds(1_800)).checked()
        #expect(result.stderr == "")
        let on = result.stdout == "enable\n"
        #expect(on || result.stdout == "disable\n")
        #expect(try eight.state("k\(number)") == (on ? .on : .off))
        if on { bits |= 1 << UInt32(number) }
      }
      #expect(try eight.run("eight_xdp") == bits)
      #expect(try eight.run("eight_tc") == bits)
      #expect(try eight.programs().count == 2)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      Soak.report("8 processes wrote \(times) times each in \(Int(seconds)) s; every key is as its writer left it")
    }

    @Test("descriptors, programs, maps and links stay as many over many toggles, and memory does not grow")
    func long() async throws {
      let rounds = Soak.size(300, full: 10_000)
      let multi = try Collection("multi")
      // Before the first flip: after one, the programs that it replaced may still be on their way out.
      let before = try KernelCensus.take()
      for _ in 0..<rounds / 10 { try multi.flip(.toggle, "deny") }
      let memory = try Soak.residentMemory()
      for _ in 0..<rounds { try multi.flip(.toggle, "deny") }
      // The programs that run now are others than before: only their number is to be the same.
      let kinds = KernelCensus.Kind.allCases
      func counts(_ census: KernelCensus) -> [Int] { kinds.map { kind in census.items.count { $0.kind == kind } } }
      var after = counts(try KernelCensus.take())
      for _ in 0..<100 where after != counts(before) {
        try await Task.sleep(for: .milliseconds(20))
        after = counts(try KernelCensus.take())
      }
      #expect(after == counts(before), "\(kinds)")
      let growth = try Soak.residentMemory() - memory
      // A leak of one template in each flip would be many times that.
      #expect(growth < 8 * 1024, "KiB")
      Soak.report("\(rounds) toggles of two programs: \(kinds.map(\.rawValue)) \(after), memory grew by \(growth) KiB")
    }
  }
}
