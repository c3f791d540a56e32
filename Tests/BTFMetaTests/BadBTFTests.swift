// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import Foundation
import StaticKeys
import SystemPackage
import Testing

@Suite("BTF that cannot describe the sites is refused, each fault with its own message")
struct BadBTFTests {
  /// A function with one site at insn 1, target 3, and these attributes.
  private func object(_ attributes: String, more: String = "") throws -> [UInt8] {
    try Toolchain.compile(
      """
      int f(void *c) __attribute__((section("xdp")\(attributes)));
      int f(void *c) {
        asm volatile goto("r0 = 0\\n__static_branch.u.%=.k: if r0 != 0 goto +1" ::: "r0" : out);
        asm volatile("r0 = 0\\nr0 = 0");
        out: return 0;
      }
      struct { char c; } k __attribute__((section(".static_keys"), used));
      \(more)
      """)
  }

  private func refuse(
    _ bytes: [UInt8], _ code: StaticKeysError.Code, _ message: String, _ place: String,
    location: SourceLocation = #_sourceLocation
  ) {
    expectFailure(code, message, place, location: location) {
      _ = try ObjectFile(bytes: bytes, name: "bad.o").annotated()
    }
  }

  @Test func missing() throws {
    refuse(
      try FixtureObject.bytes("nobtf"), .noBTF, "no BTF type information; compile it with -g", "bad.o: ")
  }

  @Test func withoutTheFunction() throws {
    let assembly = AssemblyObject().source.split(separator: "\n").map { "\"\($0.replacing("\"", with: "\\\""))\\n\"" }
    let bytes = try Toolchain.compile("asm(\(assembly.joined(separator: "\n"))); int other(void) { return 0; }")
    refuse(
      bytes, .malformed, "the function has a site, but BTF does not describe the function",
      "bad.o, section xdp, byte 0x0, function f")
  }

  @Test("Two static functions of one name, merged by the linker", arguments: FixtureObject.compilers)
  func oneFunctionForTwoBodies(compiler: String) throws {
    refuse(
      try FixtureObject.bytes("samename", compiler), .ambiguous,
      "another function of this name is in section .text at byte 0x", "bad.o, section .text, byte 0x0, function body")
  }

  @Test("Two static functions of one name, annotated before they were linked", arguments: FixtureObject.compilers)
  func oneFunctionForTwoAnnotatedBodies(compiler: String) throws {
    let linked = try TemporaryFolder.with { folder in
      for name in ["samename_a", "samename_b"] {
        try Annotator.annotate(FixtureObject.path(name, compiler), output: folder.path(name))
      }
      let names = ["linked", "samename_a", "samename_b"].map { folder.path($0).string }
      try Toolchain.run("bpftool", ["gen", "object"] + names)
      return try folder.read("linked")
    }
    refuse(linked, .ambiguous, "another function of this name is in section .text", "function body")
  }

  @Test func tagOfAnotherInstruction() throws {
    refuse(
      try object(#", btf_decl_tag("static_branch key=k insn=2 target=3 unlikely default=false")"#), .malformed,
      #"BTF has tag "static_branch key=k insn=2 target=3 unlikely default=false", but the code has no site there"#,
      "bad.o, section .BTF, function f")
  }

  @Test func tagThatSaysOtherwise() throws {
    refuse(
      try object(#", btf_decl_tag("static_branch key=k insn=1 target=3 likely default=false")"#), .malformed,
      #"BTF has tag "static_branch key=k insn=1 target=3 likely default=false", but the code has "#
        + #""static_branch key=k insn=1 target=3 unlikely default=false""#,
      "bad.o, section .BTF, function f")
  }

  @Test func tagInAnObjectWithoutSites() throws {
    let bytes = try Toolchain.compile(
      """
      __attribute__((btf_decl_tag("static_branch key=k insn=1 target=3 unlikely default=false")))
      int f(void) { return 0; }
      """)
    refuse(bytes, .malformed, "but the code has no site there", "bad.o, section .BTF, function f")
  }

  @Test(arguments: [
    "static_branch ", "static_branch key=k", "static_branch key=k insn=01 target=3 unlikely default=false",
    "static_branch key=k insn=1 target=3 unlikely default=false more",
    "static_branch key=k insn=3 target=3 unlikely default=false",
    "static_branch key=k insn=1 target=40000 unlikely default=false",
    "static_branch key=k insn=1 target=4294967296 unlikely default=false",
    "static_branch key=1k insn=1 target=3 unlikely default=false",
  ])
  func tagOfAnotherForm(text: String) throws {
    refuse(
      try object(#", btf_decl_tag("\#(text)")"#), .malformed, "does not describe a static branch",
      #"bad.o, section .BTF, function f: tag "\#(text)" (BTF id "#)
  }

  @Test func tagThatATerminalWouldObey() throws {
    refuse(
      try object(#", btf_decl_tag("static_branch \033[31m\n")"#), .malformed, "does not describe a static branch",
      #"tag "static_branch \u{1B}[31m\n" (BTF id "#)
  }

  @Test func tagsThatContradictEachOther() throws {
    let tags = ["unlikely", "likely"].map {
      #", btf_decl_tag("static_branch key=k insn=1 target=3 \#($0) default=false")"#
    }
    refuse(try object(tags.joined()), .malformed, "contradict each other", "bad.o, section .BTF, function f: tags ")
  }

  @Test func tagOnAType() throws {
    let text = "static_branch key=k insn=1 target=3 unlikely default=false"
    refuse(
      try object("", more: #"struct s { int i; } __attribute__((btf_decl_tag("\#(text)"))) s;"#), .malformed,
      #"tag "\#(text)""#, "is not on a function")
  }

  @Test func tagOnAParameter() throws {
    let text = "static_branch key=k insn=1 target=3 unlikely default=false"
    refuse(
      try object("", more: #"int g(int i __attribute__((btf_decl_tag("\#(text)")))) { return i; }"#), .malformed,
      #"tag "\#(text)""#, "is not on a function")
  }
}

@Suite("Bytes that are no BTF are refused")
struct BadBTFBytesTests {
  private func btf() throws -> [UInt8] { try ObjectFile(path: FixtureObject.path("four")).btf().bytes() }

  @Test func anyPartOfIt() throws {
    let bytes = try btf()
    for length in 0..<bytes.count {
      expectFailure(.malformed, length < 24 ? "hold no whole header" : "truncated") {
        _ = try BTFObject(bytes: Array(bytes[..<length]))
      }
    }
  }

  @Test(arguments: [
    (0, 0x00, "the magic number is wrong"), (4, 0x10, "the header is 16 bytes long"),
    (5, 0x70, "the header is 28696 bytes long"), (8, 0x04, "types and strings do not follow each other"),
    (12, 0x00, "types and strings do not follow each other"), (23, 0x7f, "truncated"),
  ])
  func headerThatLies(byte: Int, value: UInt8, message: String) throws {
    var bytes = try btf()
    bytes[byte] = value
    expectFailure(.malformed, "section .BTF: \(message)") { _ = try BTFObject(bytes: bytes) }
  }

  @Test func typesThatLibbpfRefuses() throws {
    var bytes = try btf()
    // The kind of the first type.
    bytes[24 + 7] = 0x1f
    expectFailure(.malformed, "section .BTF: libbpf refuses the type information: Invalid argument") {
      _ = try BTFObject(bytes: bytes)
    }
  }
}
