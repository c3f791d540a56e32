// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Several commands at once, and commands that are ended in the middle.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandConcurrency {
    private static let script = #"""
      i=0
      while [ $i -lt "$2" ]; do "$0" toggle "$1" || exit; i=$((i + 1)); done
      """#

    /// A shell that toggles a key this many times, and stops at the first failure.
    private func toggling(_ key: String, times: Int) throws -> ChildProcess {
      try ChildProcess(["sh", "-c", Self.script, Tools.built("keyctl"), key, String(times)])
    }

    /// The states that a loop's output says the key went through.
    private func steps(of key: String, in output: String) -> [String] {
      output.split(separator: "\n").filter { $0.hasPrefix("\(key): ") }
        .map { String($0.dropFirst(key.count + 2).prefix { $0 != "(" }.dropLast()) }
    }

    @Test("two processes toggle two keys of one program, one of them once more, and none loses what the other did")
    func twoWriters() throws {
      let times = Emulation.fewer(than: 60)
      let multi = try Collection("multi")
      let keys = (tc: "\(multi.name)/count_tc", deny: "\(multi.name)/deny")
      let first = try toggling(keys.tc, times: times)
      let second = try toggling(keys.deny, times: times + 1)
      let tc = try first.wait(timeout: .seconds(200)).checked()
      let deny = try second.wait(timeout: .seconds(200)).checked()
      #expect(tc.stderr == "" && deny.stderr == "")
      // A writer that did not see the other's change would undo it: the other's next toggle would repeat a step.
      let (up, down) = ("off -> on", "on -> off")
      #expect(steps(of: keys.tc, in: tc.stdout) == (0..<times).map { $0 % 2 == 0 ? down : up })
      #expect(steps(of: keys.deny, in: deny.stdout) == (0...times).map { $0 % 2 == 0 ? up : down })
      #expect(try multi.state("count_tc") == .on && multi.state("deny") == .on && multi.state("count_xdp") == .off)
      #expect(try multi.run("multi_tc") == 2 && multi.run("multi_xdp") == 1)
      let hits = try BPF.open(pin: multi.pin("maps", "hits"))
      #expect(try BPF.u64(hits, at: 1) == 1, "count_tc is on in the program that runs")
    }

    @Test(
      "a command that is ended at any moment leaves hooks taken and states readable",
      .requires(kernel: "6.6", for: "tcx links"), arguments: [SIGINT, SIGKILL])
    func ended(by signal: Int32) throws {
      let veth = try VethPair()
      let hooks = ["multi_xdp=xdp:\(veth.receiverHook)", "multi_tc=tcx-ingress:\(veth.receiverHook)"]
      let multi = try Collection("multi", attach: hooks)
      let key = "\(multi.name)/deny"
      let links = BPFFSListing.files(under: multi.pin("links", "")).map { multi.pin("links", $0) }
      #expect(links.count == 2)
      let binary = try Tools.built("keyctl")
      let start = ContinuousClock.now
      for verb in ["enable", "disable"] { try keyctl(verb, key).checked() }
      // From before it starts to well after it has ended, however fast the machine is.
      let longest = UInt32((ContinuousClock.now - start) / .microseconds(1))
      var endings: Set<Int32> = []
      let rounds = Emulation.fewer(than: 40)
      for round in 0..<rounds {
        // A toggle refuses a key that an ended one left mixed.
        let child = try ChildProcess([binary, round % 2 == 0 ? "enable" : "disable", key])
        usleep(UInt32(round) * (longest / UInt32(rounds)))
        child.signal(signal)
        let ending = try child.wait()
        endings.insert(ending.status)
        #expect([128 + signal, 0].contains(ending.status), "round \(round): \(ending)")
        let listed = try keyctl("list", key, "--json")
        #expect(listed.status == 0 && listed.stderr == "", "\(listed)")
        let state = try JSON(parsing: listed.stdout)[0]?["state"]?.string
        #expect(["on", "off", "mixed"].contains(state))
        let ids = Set(try multi.programs().map(\.id))
        for link in links { #expect(try ids.contains(BPF.linkedProgramID(pin: link)), "round \(round), \(link)") }
      }
      // Both kinds were met: some were ended, some had done their work by then.
      #expect(endings.count == 2)

      // Whatever was left, the next command completes.
      try keyctl("enable", key).checked()
      #expect(try multi.state("deny") == .on)
      #expect(Set(try multi.programs().map(\.name)) == ["multi_tc", "multi_xdp"])
      try keyctl("disable", key).checked()
      #expect(try multi.run("multi_tc") == 0 && multi.run("multi_xdp") == 2)
      try keyctl("unload", multi.name).checked()
      #expect(!CollectionStore().names().contains(multi.name))
    }

    @Test("a writer that waits is served when the one before it is killed")
    func lockDiesWithItsHolder() throws {
      let multi = try Collection("multi")
      let loop = try toggling("\(multi.name)/deny", times: 10_000)
      #expect(eventually(within: .seconds(10)) { loop.lines.count > 3 })
      try keyctl("disable", "\(multi.name)/count_tc").checked()
      kill(-loop.pid, SIGKILL)
      _ = try loop.wait()
      try keyctl("enable", "\(multi.name)/count_tc").checked()
      #expect(try multi.state("count_tc") == .on)
    }
  }
}
