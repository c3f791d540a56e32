// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct GlobTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("a", "a", true), ("a", "b", false), ("a", "ab", false), ("*", "", true),
    ("*", "anything", true), ("**", "x", true), ("a*", "a", true), ("a*c", "abcbc", true), ("a*c", "abcb", false),
    ("*b*", "abc", true), ("*ab", "aab", true), ("a?c", "abc", true), ("a?c", "ac", false), ("?", "", false),
    ("?*", "x", true), ("[a]", "a", false), ("[a]", "[a]", true), ("a.c", "abc", false), ("?", "é", true),
    ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false),
  ])
  func matching(pattern: String, text: String, matches: Bool) { #expect(Glob(pattern).matches(text) == matches) }

  @Test(arguments: [("a", false), ("a*", true), ("?", true), ("", false)])
  func isPattern(pattern: String, expected: Bool) { #expect(Glob(pattern).isPattern == expected) }

  @Test(arguments: ["", "/", "a/", "/a"]) func noKeyPattern(text: String) { #expect(KeyPattern(text) == nil) }

  @Test(arguments: [
    ("debug", "flowmon", "debug", true), ("debug", "flowmon", "trace", false), ("*/debug", "flowmon", "debug", true),
    ("flow*/d*", "flowmon", "debug", true), ("other/debug", "flowmon", "debug", false),
    ("a/b/c", "a", "b", false),
  ])
  func keyPatterns(pattern: String, collection: String, key: String, matches: Bool) throws {
    let pattern = try #require(KeyPattern(pattern))
    #expect(pattern.matches(collection: collection, key: TemplateFixtures.name(key)) == matches)
  }
}

@Suite struct EditDistanceTests {
  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("", "abc", 3), ("abc", "abc", 0), ("debug", "debgu", 2), ("kitten", "sitting", 3),
  ])
  func distance(a: String, b: String, expected: Int) {
    #expect(EditDistance.distance(a, b) == expected)
    #expect(EditDistance.distance(b, a) == expected)
  }

  @Test func nearness() {
    #expect(EditDistance.isNear("debug_event", "debug_events"))
    #expect(!EditDistance.isNear("trace", "accounting"))
  }
}
