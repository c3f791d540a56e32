// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import SystemPackage
import Testing

@Suite("Bad objects are refused, each with its own message")
struct BadObjectTests {
  private func open(_ bytes: [UInt8]) throws { _ = try ObjectFile(bytes: bytes, name: "bad.o") }

  @Test(arguments: ["", "\u{7f}EL", "#!/bin/sh\nexit 0\n", "!<arch>\n"])
  func notAnELFFile(text: String) {
    expectFailure(.notBPFObject, "bad.o: not an ELF file") { try open(Array(text.utf8)) }
  }

  @Test func fileThatIsNotThere() {
    expectFailure(.file, "/nonexistent/f.o: No such file or directory") {
      _ = try ObjectFile(path: "/nonexistent/f.o")
    }
  }

  @Test func folder() {
    expectFailure(.file, "/: Is a directory") { _ = try ObjectFile(path: "/") }
  }

  @Test func endlessFile() {
    expectFailure(.file, "/dev/zero: larger than 256 MiB") { _ = try ObjectFile(path: "/dev/zero") }
  }

  @Test(arguments: [(62, "x86-64"), (183, "arm64"), (0, "machine 0"), (9999, "machine 9999")])
  func otherMachine(number: UInt16, name: String) throws {
    var bytes = try FixtureObject.bytes("four")
    bytes.replaceSubrange(18..<20, with: [UInt8(number & 0xff), UInt8(number >> 8)])
    expectFailure(.notBPFObject, "bad.o: made for \(name), not for BPF; compile it with clang -target bpf") {
      try open(bytes)
    }
  }

  @Test func executable() throws {
    var bytes = try FixtureObject.bytes("four")
    bytes[16] = 2
    expectFailure(.notBPFObject, "not a relocatable object (ELF type 2)") { try open(bytes) }
  }

  @Test func thirtyTwoBits() throws {
    var bytes = try FixtureObject.bytes("four")
    bytes[4] = 1
    expectFailure(.malformed, "a 32-bit ELF file") { try open(bytes) }
  }

  @Test("No part of an object is taken for a whole one", arguments: ["four", "four-big"])
  func truncated(name: String) throws {
    let bytes = try FixtureObject.bytes(name)
    for length in 0..<bytes.count {
      expectFailure(
        length < 4 ? .notBPFObject : .malformed, length < 4 ? "not an ELF file" : "truncated"
      ) { try open(Array(bytes[..<length])) }
    }
  }

  @Test func sectionBeyondTheEnd() throws {
    var bytes = try FixtureObject.bytes("four")
    let table = bytes[40..<48].reversed().reduce(0) { $0 << 8 | Int($1) }
    // sh_size of section 2
    bytes.replaceSubrange(table + 2 * 64 + 32..<table + 2 * 64 + 40, with: [0, 0, 0, 0, 0, 0, 0, 1])
    expectFailure(.malformed, "section", "truncated: the section ends beyond the file's \(bytes.count) bytes") {
      try open(bytes)
    }
  }

  @Test func withoutSymbols() throws {
    let bytes = try TemporaryFolder.with { folder in
      try folder.write(FixtureObject.bytes("four"), "a.o")
      try Toolchain.run("llvm-strip-14", ["--strip-all", "-R", ".symtab", folder.path("a.o").string])
      return try folder.read("a.o")
    }
    expectFailure(.malformed, "no symbol table; strip BPF objects with llvm-strip -g only") { try open(bytes) }
  }

  @Test func functionInData() throws {
    let bytes = try Toolchain.assemble(
      ".section data,\"aw\",@progbits\n.type f,@function\nf:\n.quad 0\n.size f, 8\n")
    expectFailure(.malformed, "section data, byte 0x0, function f: the function lies in a section that holds no code") {
      try open(bytes)
    }
  }

  @Test func functionBeyondItsSection() throws {
    let bytes = try Toolchain.assemble(AssemblyObject(after: ".size f, 48").source)
    expectFailure(.malformed, "function f: the function ends beyond its section") { try open(bytes) }
  }

  @Test(arguments: [
    ("true_likely", "true\u{1b}likely", "symbol "), (".static_keys", ".static\nkeys", "section header "),
  ])
  func nameThatATerminalWouldObey(name: String, hostile: String, message: String) throws {
    let bytes = try FixtureObject.bytes("four").replacing(Array(name.utf8), with: Array(hostile.utf8))
    expectFailure(.malformed, message, "or its name is not readable") { try open(bytes) }
  }

  @Test func keyBeyondItsSection() throws {
    let bytes = try Toolchain.assemble(AssemblyObject().source + ".size k, 2\n")
    expectFailure(.malformed, "section .static_keys, byte 0x0, key k: the key lies beyond its section") {
      try open(bytes)
    }
  }

  @Test func keyInsideAFunction() throws {
    let bytes = try Toolchain.assemble(AssemblyObject(key: "main.k").source)
    expectFailure(.malformed, "key main.k: the key's name is no C identifier; define it outside of functions") {
      try open(bytes)
    }
  }

  @Test func twoKeysOfOneName() throws {
    let key = #"static struct { char c; } k __attribute__((section(".static_keys"), used));"#
    let parts = ["a", "b"].map { "\(key) int \($0);" }
    let bytes = try TemporaryFolder.with { folder in
      for (name, part) in zip(["a.o", "b.o"], parts) { try folder.write(Toolchain.compile(part), name) }
      try Toolchain.run("bpftool", ["gen", "object"] + ["c.o", "a.o", "b.o"].map { folder.path($0).string })
      return try folder.read("c.o")
    }
    expectFailure(.ambiguous, "key k: two keys have this name") { try open(bytes) }
  }
}
