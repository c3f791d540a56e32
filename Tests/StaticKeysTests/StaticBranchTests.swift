// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct BranchLayoutTests {
  struct Row: Sendable {
    let layout: BranchLayout
    let enabled: Bool
    let state: BranchState
  }

  /// The table in include/linux/jump_label.h: type ^ branch, seen from the key's present value.
  static let table = [
    Row(layout: .likely, enabled: true, state: .nop),
    Row(layout: .likely, enabled: false, state: .jump),
    Row(layout: .unlikely, enabled: true, state: .jump),
    Row(layout: .unlikely, enabled: false, state: .nop),
  ]

  @Test(arguments: table)
  func stateIsEnabledXorLikely(_ row: Row) {
    #expect(row.layout.state(enabled: row.enabled) == row.state)
    #expect(row.layout.enabled(in: row.state) == row.enabled)
  }
}

@Suite struct KeyNameTests {
  @Test(arguments: ["a", "_", "debug_events", "A9", "__k", "z0_Z", "k\(String(repeating: "x", count: 1000))"])
  func identifiersAreNames(_ name: String) throws {
    let key = try #require(KeyName(name))
    #expect(key.rawValue == name)
    #expect("\(key)" == name)
  }

  @Test(arguments: [
    "", "9a", "a b", "a-b", "a.b", "a/b", "*", "a?", "é", "aé", "a\0", "a\n", " a", "a ", "@", "[", "`", "{",
  ])
  func otherTextsAreNone(_ name: String) {
    #expect(KeyName(name) == nil)
  }

  @Test func exactlyTheLettersDigitsAndUnderscore() {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    let characters = (UInt8(0)...127).map { Character(UnicodeScalar($0)) }
    #expect(String(characters.filter { KeyName(String($0)) != nil }) == letters)
    #expect(String(characters.filter { KeyName("a\($0)") != nil }) == "0123456789" + letters)
  }

  @Test func namesSortAsText() throws {
    let names = try ["b", "a_", "B", "a"].map { try #require(KeyName($0)) }
    #expect(names.sorted().map(\.rawValue) == ["B", "a", "a_", "b"])
  }
}

@Suite struct StaticBranchTests {
  static func branch(
    _ key: String = "debug_events", insn: UInt32 = 4, target: UInt32 = 7, _ layout: BranchLayout = .unlikely,
    defaultValue: Bool = false
  ) throws -> StaticBranch {
    let branch = try StaticBranch(
      key: #require(KeyName(key)), insn: FunctionOffset(insn), target: FunctionOffset(target), layout: layout,
      defaultValue: defaultValue)
    return try #require(branch)
  }

  @Test(arguments: [(4, 4), (4, 3), (0, 32_769), (UInt32.max, 0)] as [(UInt32, UInt32)])
  func targetMustLieAheadAndInReach(_ insn: UInt32, _ target: UInt32) throws {
    let key = try #require(KeyName("k"))
    let branch = StaticBranch(
      key: key, insn: FunctionOffset(insn), target: FunctionOffset(target), layout: .likely, defaultValue: true)
    #expect(branch == nil)
  }

  @Test func tagIsTheDocumentedText() throws {
    #expect(try Self.branch().tag == "static_branch key=debug_events insn=4 target=7 unlikely default=false")
    #expect(
      try Self.branch("accounting", insn: 0, target: 32_768, .likely, defaultValue: true).tag
        == "static_branch key=accounting insn=0 target=32768 likely default=true")
    #expect(try Self.branch().tag.hasPrefix(StaticBranch.tagPrefix))
  }

  @Test func tagReadsBackAsTheBranch() throws {
    for key in ["k", "_0", "a_rather_long_name_of_a_key_0123456789"] {
      for (insn, target) in [(0, 1), (4, 7), (0, 32_768), (4_294_967_294, 4_294_967_295)] as [(UInt32, UInt32)] {
        for layout in [BranchLayout.likely, .unlikely] {
          for value in [true, false] {
            let branch = try Self.branch(key, insn: insn, target: target, layout, defaultValue: value)
            #expect(StaticBranch(tag: branch.tag) == branch)
          }
        }
      }
    }
  }

  @Test(arguments: [
    "",
    "static_branch",
    "static_branch ",
    "static_branches key=k insn=4 target=7 unlikely default=false",
    "Static_branch key=k insn=4 target=7 unlikely default=false",
    " static_branch key=k insn=4 target=7 unlikely default=false",
    "static_branch key=k insn=4 target=7 unlikely default=false ",
    "static_branch key=k insn=4 target=7 unlikely default=false\n",
    "static_branch key=k insn=4 target=7 unlikely default=false\0",
    "static_branch  key=k insn=4 target=7 unlikely default=false",
    "static_branch key=k  insn=4 target=7 unlikely default=false",
    "static_branch\tkey=k insn=4 target=7 unlikely default=false",
    "static_branch insn=4 key=k target=7 unlikely default=false",
    "static_branch key=k target=7 insn=4 unlikely default=false",
    "static_branch key=k insn=4 target=7 default=false unlikely",
    "static_branch key=k insn=4 target=7 unlikely",
    "static_branch key=k insn=4 target=7 default=false",
    "static_branch key=k insn=4 unlikely default=false",
    "static_branch key=k target=7 unlikely default=false",
    "static_branch insn=4 target=7 unlikely default=false",
    "static_branch key=k insn=4 target=7 unlikely default=false more=1",
    "static_branch key=k key=k insn=4 target=7 unlikely default=false",
    "static_branch key= insn=4 target=7 unlikely default=false",
    "static_branch key=9k insn=4 target=7 unlikely default=false",
    "static_branch key=a-b insn=4 target=7 unlikely default=false",
    "static_branch key=é insn=4 target=7 unlikely default=false",
    "static_branch key=k=k insn=4 target=7 unlikely default=false",
    "static_branch k insn=4 target=7 unlikely default=false",
    "static_branch KEY=k insn=4 target=7 unlikely default=false",
    "static_branch key=k insn= target=7 unlikely default=false",
    "static_branch key=k insn=04 target=7 unlikely default=false",
    "static_branch key=k insn=+4 target=7 unlikely default=false",
    "static_branch key=k insn=-4 target=7 unlikely default=false",
    "static_branch key=k insn=-0 target=7 unlikely default=false",
    "static_branch key=k insn=0x4 target=7 unlikely default=false",
    "static_branch key=k insn=4.0 target=7 unlikely default=false",
    "static_branch key=k insn=٤ target=7 unlikely default=false",
    "static_branch key=k insn=4 target=+7 unlikely default=false",
    "static_branch key=k insn=4 target=007 unlikely default=false",
    "static_branch key=k insn=4 target=4294967296 unlikely default=false",
    "static_branch key=k insn=99999999999999999999999 target=7 unlikely default=false",
    "static_branch key=k insn=4 target=4 unlikely default=false",
    "static_branch key=k insn=7 target=4 unlikely default=false",
    "static_branch key=k insn=0 target=32769 unlikely default=false",
    "static_branch key=k insn=4 target=7 Unlikely default=false",
    "static_branch key=k insn=4 target=7 sometimes default=false",
    "static_branch key=k insn=4 target=7 unlikely default=False",
    "static_branch key=k insn=4 target=7 unlikely default=0",
    "static_branch key=k insn=4 target=7 unlikely default=",
  ])
  func otherTextsAreNoTags(_ text: String) {
    #expect(StaticBranch(tag: text) == nil)
  }

  /// Whatever one byte is changed, put in or left out, the text is refused or is itself a tag: nothing reads loosely.
  @Test func everyMutatedTagIsExactOrRefused() throws {
    let tag = Array(try Self.branch("k").tag.utf8)
    var mutants: Set<[UInt8]> = []
    for place in tag.indices {
      mutants.insert(Array(tag[..<place] + tag[(place + 1)...]))
      for byte in UInt8(0)...127 {
        mutants.insert(Array(tag[..<place] + [byte] + tag[(place + 1)...]))
        mutants.insert(Array(tag[..<place] + [byte] + tag[place...]))
      }
    }
    let texts = mutants.map { String(decoding: $0, as: UTF8.self) }
    let accepted = texts.filter { StaticBranch(tag: $0) != nil }
    #expect(accepted.allSatisfy { StaticBranch(tag: $0)?.tag == $0 })
    // Other keys, and other offsets that still lead forward.
    #expect(accepted.contains("static_branch key=kk insn=4 target=7 unlikely default=false"))
    #expect(accepted.contains("static_branch key=k insn=4 target=70 unlikely default=false"))
    #expect(accepted.count < texts.count / 10)
  }
}
