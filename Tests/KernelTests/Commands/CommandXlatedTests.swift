// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

extension KernelTests {
  /// What the kernel keeps of a running program's sites after the command flipped them, as bpftool shows it: the pair form.
  @Suite(.serialized, .requiresRoot, .requiresEngine(.reload), .requires(tool: "bpftool"), .censused)
  struct CommandXlated {
    /// The instructions that the kernel kept, without their numbers.
    private func kept(of program: String, in collection: Collection) throws -> [String] {
      let dump = try Bpftool.json("prog", "dump", "xlated", "pinned", collection.pin("progs", program))
      return dump.array.compactMap { $0["disasm"]?.string }
    }

    /// `warm` is loaded in line, `cold` only in the out-of-line region.
    private func expectNop(_ kept: [String], warm: Int, cold: Int) {
      let moves = kept.filter { $0.contains(/\ = \d+$/) }
      #expect(moves == ["(b7) r1 = \(warm)", "(b7) r0 = 0"], "one move of the pair")
      #expect(!kept.contains { $0.contains("goto") || $0.hasSuffix("= \(cold)") }, "\(kept)")
    }

    private func expectJump(_ kept: [String], cold: Int) {
      #expect(!kept.contains { $0.contains("if ") }, "\(kept)")
      #expect(kept.count { $0.hasSuffix("= \(cold)") } == 1, "the region: \(kept)")
      let zero = kept.firstIndex(of: "(b7) r0 = 0")
      #expect(zero.map { kept[$0 + 1] }?.hasPrefix("(05) goto pc+") == true, "\(kept)")
      #expect(kept.last?.hasPrefix("(05) goto pc-") == true, "the jump back: \(kept)")
    }

    @Test(
      "a nop leaves one move and nothing of the region, a jump no condition",
      arguments: [
        (program: "true_likely", key: "key_true", warm: 1, cold: 2, jumpsWhen: false),
        (program: "true_unlikely", key: "key_true", warm: 2, cold: 1, jumpsWhen: true),
        (program: "false_likely", key: "key_false", warm: 1, cold: 2, jumpsWhen: false),
        (program: "false_unlikely", key: "key_false", warm: 2, cold: 1, jumpsWhen: true),
      ], [14, 19])
    func fourCombinations(
      _ site: (program: String, key: String, warm: Int, cold: Int, jumpsWhen: Bool), clang: Int
    ) throws {
      let four = try Collection("four", clang: clang, engine: .reload)
      // Twice each, so that every form is that of a program the command made, not of the object.
      for verb in ["disable", "enable", "disable", "enable"] {
        try keyctl(verb, "\(four.name)/\(site.key)").checked()
        let kept = try kept(of: site.program, in: four)
        if (verb == "enable") == site.jumpsWhen {
          expectJump(kept, cold: site.cold)
        } else {
          expectNop(kept, warm: site.warm, cold: site.cold)
        }
      }
    }

    @Test("all sites of main, static, global and inlined functions and of a loop", arguments: [14, 19])
    func everySite(clang: Int) throws {
      let subprogs = try Collection("subprogs", clang: clang, engine: .reload)
      try keyctl("enable", "\(subprogs.name)/steps").checked()
      let on = try kept(of: "subprogs", in: subprogs)
      #expect(!on.contains { $0.contains("if r0 ") || $0.contains("if w0 ") }, "\(on)")
      let zeros = on.indices.filter { on[$0] == "(b7) r0 = 0" }
      #expect(zeros.count == 6)
      for zero in zeros { #expect(on[zero + 1].hasPrefix("(05) goto pc+"), "\(on[zero + 1])") }

      try keyctl("disable", "\(subprogs.name)/steps").checked()
      let off = try kept(of: "subprogs", in: subprogs)
      #expect(off.count { $0 == "(b7) r0 = 0" } == 6)
      #expect(!off.contains { $0.contains("if r0 ") || $0.contains("(05) goto pc") }, "\(off)")
      for summand in [10, 100, 1000, 10000] {
        #expect(!off.contains { $0.hasSuffix("= \(summand)") }, "the enabled arm adds \(summand)")
      }
      #expect(off.count < on.count)
    }
  }
}
