// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests.Patch {
  /// What a change of one program takes by each engine.
  private struct Figure {
    let sites: Int
    /// The command alone.
    var command = Duration.zero
    /// A whole change, from opening the program to the end of the last call.
    var patch = Duration.zero
    /// The same by loading the program again.
    var reload = Duration.zero
    /// The instructions that the verifier looked at when it was loaded.
    var verified: UInt32 = 0
  }

  private func median(of times: Int, _ body: () throws -> Duration) rethrows -> Duration {
    let all = try (0..<times).map { _ in try body() }.sorted()
    return all[all.count / 2]
  }

  @Test("a change of 1, 16 or 256 sites is one command, and nothing is loaded or verified; what it takes is printed")
  func figures() throws {
    let kernel = try #require(StaticBranches.current)
    let recorder = Recorder()
    let native = try Collection("sizes", engine: .patch, system: recorder.system)
    let pair = try Collection("sizes", engine: .reload)
    let key = try #require(KeyPattern("\(native.name)/key"))
    let reloaded = try #require(KeyPattern("\(pair.name)/key"))
    var figures: [Figure] = []
    for (name, sites) in [("one", 1), ("sixteen", 16), ("many", 256)] {
      var figure = Figure(sites: sites)
      let pin = native.pin("progs", name)
      let program = try BPF.open(pin: pin)
      let before = try BPF.info(program, bpf_prog_info())
      #expect(try kernel.sites(of: program).count == sites)
      let only = try #require(ProgramSelector(pin))

      recorder.restart()
      let changer = Changer(system: recorder.system)
      figure.patch = try median(of: 21) { try changer.flip(.toggle, [key], in: only, engine: .patch).duration }
      #expect(recorder.calls.count { $0 == .staticBranchUpdate } == 21)
      #expect(!recorder.calls.contains(.programLoad) && !recorder.calls.contains(.linkUpdate))
      figure.command = try median(of: 21) {
        let changes = try kernel.sites(of: program).map {
          sk_static_branch(
            insn_off: $0.insn_off, expected_off: $0.current_off, new_off: $0.current_off == 0 ? $0.target_off : 0)
        }
        let start = ContinuousClock.now
        #expect(kernel.update(program, changes).errno == 0)
        return ContinuousClock.now - start
      }
      let after = try BPF.info(program, bpf_prog_info())
      #expect(after.id == before.id && after.load_time == before.load_time)
      #expect(after.verified_insns == before.verified_insns && before.verified_insns > 0)
      figure.verified = before.verified_insns

      let other = try #require(ProgramSelector(pair.pin("progs", name)))
      figure.reload = try median(of: 21) {
        try Changer().flip(.toggle, [reloaded], in: other, engine: .reload).duration
      }
      figures.append(figure)
    }
    try report(figures)
  }

  private func report(_ figures: [Figure]) throws {
    let machine =
      try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(separator: "\n")
      .first { $0.hasPrefix("model name") }.map { $0.drop { $0 != ":" }.dropFirst(2) } ?? "unknown CPU"
    let release = try run(["uname", "-r"]).checked().stdout.trimmingCharacters(in: .newlines)
    func microseconds(_ duration: Duration) -> String { String(Int(duration / .microseconds(1))) }
    func row(_ cells: [String]) -> String {
      cells.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }.joined()
    }
    print("figures: Linux \(release) with kernel-patches, \(machine)\(Emulation.isOn ? ", emulated" : "")")
    print("figures: medians of 21 changes of one program, in microseconds; insns are those verified at load")
    print("figures:" + row(["sites", "insns", "command", "patch", "reload", "ratio"]))
    for figure in figures {
      let ratio = Int(figure.reload / figure.patch)
      print(
        "figures:"
          + row([
            String(figure.sites), String(figure.verified), microseconds(figure.command), microseconds(figure.patch),
            microseconds(figure.reload), "1:\(ratio)",
          ]))
    }
  }
}
