// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct PlaceTests {
  static let full = Place(
    file: "a.o", section: "xdp", byte: ByteOffset(0x38), program: "flowmon", function: "count", insn: FunctionOffset(7),
    key: "debug", source: "a.bpf.c:12")

  @Test func everythingKnownIsTold() {
    #expect(
      "\(Self.full)"
        == "a.o, a.bpf.c:12, section xdp, byte 0x38, program flowmon, function count, insn 7, key debug")
  }

  @Test func onlyWhatIsKnownIsTold() {
    #expect("\(Place())" == "")
    #expect("\(Place(key: "debug"))" == "key debug")
    #expect("\(Place(file: "a.o", function: "count"))" == "a.o, function count")
  }

  @Test func emptyIsWhereNothingIsKnown() {
    #expect(Place().isEmpty)
    let parts = [
      Place(file: ""), Place(section: ""), Place(byte: ByteOffset(0)), Place(program: ""), Place(function: ""),
      Place(insn: FunctionOffset(0)), Place(key: ""), Place(source: ""),
    ]
    #expect(parts.allSatisfy { !$0.isEmpty })
  }

  @Test func completionFillsGapsAndOverwritesNothing() {
    let other = Place(
      file: "b.o", section: "tc", byte: ByteOffset(1), program: "p", function: "f", insn: FunctionOffset(1), key: "k",
      source: "b.c:1")
    #expect(Self.full.completed(by: other) == Self.full)
    #expect(Place().completed(by: Self.full) == Self.full)
    #expect(Self.full.completed(by: Place()) == Self.full)
    #expect(
      Place(insn: FunctionOffset(3)).completed(by: Place(file: "a.o", insn: FunctionOffset(9)))
        == Place(file: "a.o", insn: FunctionOffset(3)))
  }
}

@Suite struct StaticKeysErrorTests {
  @Test(arguments: [
    (StaticKeysError(.notFound, "no such key"), "no such key"),
    (StaticKeysError(.notFound, "no such key", advice: "see `keyctl list`"), "no such key; see `keyctl list`"),
    (StaticKeysError(.badSite, "too far", at: Place(file: "a.o", key: "k")), "a.o, key k: too far"),
    (
      StaticKeysError(.badSite, "too far", at: Place(key: "k"), errno: 22, advice: "split it", verifierLog: "log"),
      "key k: too far; split it"
    ),
  ])
  func descriptionIsOneLine(_ error: StaticKeysError, _ expected: String) {
    #expect("\(error)" == expected)
  }

  @Test func locatingAddsThePlaceAndKeepsTheRest() {
    let inner = StaticKeysError(
      .verifier, "refused", at: Place(function: "f"), errno: 13, advice: "read the log", verifierLog: "log")
    let outer = inner.located(at: Place(file: "a.o", function: "g"))
    #expect(outer.place == Place(file: "a.o", function: "f"))
    #expect(outer.code == .verifier)
    #expect(outer.message == "refused")
    #expect(outer.errno == 13)
    #expect(outer.advice == "read the log")
    #expect(outer.verifierLog == "log")
  }

  /// Scripts branch on these names: they do not change.
  @Test func codesKeepTheirNames() {
    let codes: [StaticKeysError.Code] = [
      .file, .notBPFObject, .malformed, .noBTF, .badSite, .undefinedKey, .notFound, .ambiguous, .exists, .unsupported,
      .permission, .verifier, .corruptedTemplate, .futureVersion, .changedMeanwhile, .partlyApplied, .kernel, .output,
      .usage, .pastVersion, .badValue,
    ]
    #expect(
      codes.map(\.rawValue) == [
        "file", "not_bpf_object", "malformed", "no_btf", "bad_site", "undefined_key", "not_found", "ambiguous",
        "exists", "unsupported", "permission", "verifier", "corrupted_template", "future_version",
        "changed_meanwhile", "partly_applied", "kernel", "output", "usage", "past_version", "bad_value",
      ])
  }
}
