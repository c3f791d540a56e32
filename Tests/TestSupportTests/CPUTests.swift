// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite struct CPUTests {
  @Test("a thread that is pinned may run on that CPU alone, and where it could before afterwards")
  func pinned() throws {
    let before = CPUs.allowed
    for cpu in before {
      #expect(try CPUs.pinned(to: cpu) { CPUs.allowed } == [cpu])
      #expect(CPUs.allowed == before)
    }
    #expect(!before.isEmpty)
    #expect(throws: HarnessError.self) { try CPUs.pinned(to: 1_000) {} }
    #expect(CPUs.allowed == before)
  }
}
