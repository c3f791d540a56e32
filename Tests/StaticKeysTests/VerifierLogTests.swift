// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct VerifierLogTests {
  /// As Linux 6.18 wrote it.
  private let recent = VerifierLog(
    """
    func#0 @0
    0: R1=ctx() R10=fp0
    ; __u8 *data = (__u8 *)(long)ctx->data; @ badarm.bpf.c:11
    0: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)
    ; if (static_branch_unlikely(&badarm)) @ badarm.bpf.c:15
    3: (b7) r0 = 0                        ; R0=0
    4: (15) if r0 == 0x0 goto pc+2
    mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1
    ; return data[100]; @ badarm.bpf.c:16
    7: (71) r0 = *(u8 *)(r1 +100)
    invalid access to packet, off=100 size=1, R1(id=0,off=100,r=0)
    R1 offset is outside of the packet
    verification time 71 usec
    stack depth 0
    processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0

    """)

  @Test func recentKernel() {
    #expect(
      recent.summary
        == "invalid access to packet, off=100 size=1, R1(id=0,off=100,r=0); R1 offset is outside of the packet")
    #expect(recent.lastInstruction == InsnOffset(7))
  }

  @Test("a log that ends at the instruction, without a word of its own") func oneLine() {
    let log = VerifierLog("0: (b7) r0 = 0\n1: (05) goto pc+1\nunreachable insn 2\nprocessed 0 insns (limit 1000000)\n")
    #expect(log.summary == "unreachable insn 2")
    #expect(log.lastInstruction == InsnOffset(1))
  }

  @Test("a log with a section of reasons") func reasons() {
    let log = VerifierLog(
      "5: (95) exit\nR0 !read_ok\n\nVerification failed: bad.bpf.c\nReason: R0 was never written\nAt: insn 5\n"
        + "Suggestion: return a value\n")
    #expect(log.summary == "R0 was never written")
    #expect(log.lastInstruction == InsnOffset(5))
  }

  @Test func nothing() {
    #expect(VerifierLog("").summary == nil)
    #expect(VerifierLog("processed 2 insns (limit 1000000)\n").summary == nil)
    #expect(VerifierLog("99999999999999999999: (95) exit\n").lastInstruction == nil)
  }
}

@Suite struct LineTableTests {
  private let strings: [UInt32: String] = [1: "/src/a.c", 5: "\tr1 = &map;", 9: "if (x)", 2: "b.h"]
  private var table: LineTable { LineTable(TemplateFixtures.template.lineInfo) { strings[$0] } }

  @Test func lines() {
    #expect(table.line(at: InsnOffset(0))?.description == "a.c:12")
    #expect(table.line(at: InsnOffset(0))?.text == "r1 = &map;")
    #expect(table.line(at: InsnOffset(0))?.column == 3)
    #expect(table.line(at: InsnOffset(3))?.line == 12)
    #expect(table.line(at: InsnOffset(9))?.description == "a.c:14")
    #expect(table.line(startingAt: InsnOffset(4))?.line == 14)
    #expect(table.line(startingAt: InsnOffset(5)) == nil)
  }

  @Test("a record whose strings are nowhere is left out") func unknownStrings() {
    #expect(table.line(startingAt: InsnOffset(10)) == nil)
    #expect(table.line(at: InsnOffset(12))?.line == 14)
  }

  @Test func noRecords() {
    let records = ProgramTemplate.InfoRecords(size: 8, bytes: [UInt8](repeating: 0, count: 16))
    #expect(LineTable(records) { _ in "" }.line(at: InsnOffset(0)) == nil)
    #expect(ProgramTemplate.InfoRecords(size: 0, bytes: [1]).count == 0)
    #expect(records.words(ofRecord: 2, count: 1) == [] && records.words(ofRecord: -1, count: 1) == [])
  }
}
