// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

@Suite("Sites of fixtures")
struct SiteTests {
  @Test(
    "All four combinations of default and layout have jump_label's initial state", arguments: FixtureObject.compilers)
  func fourCombinations(compiler: String) throws {
    let object = try ObjectFile(path: FixtureObject.path("four", compiler))
    let states = try object.sites().map { "\($0.function.name): \($0.state.rawValue)" }
    #expect(states == ["true_likely: nop", "true_unlikely: jump", "false_likely: jump", "false_unlikely: nop"])
  }
}
