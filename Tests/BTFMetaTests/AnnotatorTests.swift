// SPDX-License-Identifier: Apache-2.0

import Foundation
import StaticKeys
import SystemPackage
import Testing

@testable import BTFMeta

@Suite("Annotating objects")
struct AnnotatorTests {
  @Test("The tags of a fixture are these, word for word", arguments: ["four", "four-big", "four-stripped"])
  func goldenTags(name: String) throws {
    let bytes = try Annotator.annotatedImage(of: FixtureObject.path(name))
    let btf = try ObjectFile(bytes: bytes, name: name).btf()
    let tags = try btf.declTags().map { "\(btf.functionName($0.target) ?? "?"): \($0.text)" }
    #expect(
      tags == [
        "true_likely: static_branch key=key_true insn=2 target=5 likely default=true",
        "true_unlikely: static_branch key=key_true insn=2 target=5 unlikely default=true",
        "false_likely: static_branch key=key_false insn=2 target=5 likely default=false",
        "false_unlikely: static_branch key=key_false insn=2 target=5 unlikely default=false",
      ])
  }

  @Test("What is written is what is read, and nothing else changes", arguments: FixtureObject.annotatable)
  func roundTrip(name: String) throws {
    for compiler in FixtureObject.compilers {
      let before = try ObjectFile(path: FixtureObject.path(name, compiler))
      let annotated = try before.annotated()
      let after = try ObjectFile(bytes: annotated.bytes, name: name)
      let sites = try before.sites()
      #expect(!sites.isEmpty)
      #expect(annotated.added == sites.count)
      #expect(annotated.sites == sites)
      #expect(try after.sites() == sites)
      #expect(try before.isAnnotated() == false)
      #expect(try after.isAnnotated())

      let btf = try after.btf()
      var read: [String: [StaticBranch]] = [:]
      for (id, branches) in try btf.branches() { read[btf.functionName(id) ?? "?"] = branches }
      #expect(read == Dictionary(grouping: sites, by: \.function.name).mapValues { $0.map(\.branch) })

      #expect(after.sections.map(\.name) == before.sections.map(\.name))
      for (old, new) in zip(before.sections, after.sections) {
        #expect(
          [old.header.sh_type, old.header.sh_link, old.header.sh_info]
            == [new.header.sh_type, new.header.sh_link, new.header.sh_info])
        #expect(
          [old.header.sh_flags, old.header.sh_addralign, old.header.sh_entsize]
            == [new.header.sh_flags, new.header.sh_addralign, new.header.sh_entsize])
        let (oldBytes, newBytes) = (
          before.handle.rawBytes(section: old.index), after.handle.rawBytes(section: new.index)
        )
        if old.name != ".BTF" { #expect(oldBytes == newBytes, "section \(old.name)") }
      }
    }
  }

  @Test("Types keep their places, so .rel.BTF and .BTF.ext stay true", arguments: ["four", "four-big", "share"])
  func typesKeepTheirPlaces(name: String) throws {
    let before = try ObjectFile(path: FixtureObject.path(name))
    let after = try ObjectFile(bytes: before.annotated().bytes, name: name)
    let old = try before.handle.rawBytes(section: before.btfSection().index) ?? []
    let new = try after.handle.rawBytes(section: after.btfSection().index) ?? []
    func field(_ bytes: [UInt8], _ index: Int) -> Int {
      let word = bytes[8 + 4 * index..<12 + 4 * index]
      return (before.byteOrder == .big ? Array(word) : word.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    let (types, strings) = (field(old, 1), field(old, 3))
    #expect(new[24..<24 + types] == old[24..<24 + types])
    // A tag is a btf_type and one word.
    #expect(field(new, 1) == types + 16 * (try before.sites().count))
    let start = 24 + field(new, 2)
    #expect(new[start..<start + strings] == old[24 + types..<24 + types + strings])
  }

  @Test("bpftool reads the same functions and tags", arguments: FixtureObject.annotatable)
  func comparedWithBpftool(name: String) throws {
    for compiler in FixtureObject.compilers {
      try TemporaryFolder.with { folder in
        try Annotator.annotate(FixtureObject.path(name, compiler), output: folder.path("a.o"))
        let dump = try Toolchain.run("bpftool", ["btf", "dump", "file", folder.path("a.o").string])
        let lines = dump.split(separator: "\n").map(String.init)
        let theirTags = lines.filter { $0.contains("] DECL_TAG ") }
        let theirFunctions = lines.filter { $0.contains("] FUNC ") }.compactMap {
          $0.components(separatedBy: " type_id").first
        }
        let btf = try ObjectFile(path: folder.path("a.o")).btf()
        let tags = try btf.declTags().map {
          "[\($0.id)] DECL_TAG '\($0.text)' type_id=\($0.target) component_idx=\($0.component)"
        }
        let functions = btf.functions().flatMap { name, ids in ids.map { "[\($0)] FUNC '\(name)'" } }
        #expect(!tags.isEmpty)
        #expect(tags == theirTags)
        #expect(functions.sorted() == theirFunctions.sorted())
      }
    }
  }

  @Test("Linking and stripping keep the tags", arguments: ["four", "subprogs", "share", "multi"])
  func linkedAndStripped(name: String) throws {
    for compiler in FixtureObject.compilers {
      try TemporaryFolder.with { folder in
        let annotated = try Annotator.annotate(FixtureObject.path(name, compiler), output: folder.path("a.o"))
        try Toolchain.run("bpftool", ["gen", "object", folder.path("b.o").string, folder.path("a.o").string])
        try Toolchain.run("llvm-strip-14", ["-g", folder.path("b.o").string])
        let linked = try ObjectFile(path: folder.path("b.o"))
        #expect(try linked.isAnnotated())
        #expect(try linked.sites().map(\.branch) == annotated.sites.map(\.branch))
        #expect(try linked.annotated().added == 0)
      }
    }
  }

  @Test("A second run changes nothing, byte for byte", arguments: FixtureObject.annotatable)
  func idempotent(name: String) throws {
    try TemporaryFolder.with { folder in
      try folder.write(FixtureObject.bytes(name), "a.o")
      let first = try Annotator.annotate(folder.path("a.o"))
      let bytes = try folder.read("a.o")
      let inode = try FileManager.default.attributesOfItem(atPath: folder.path("a.o").string)[.systemFileNumber] as? Int
      let second = try Annotator.annotate(folder.path("a.o"))
      #expect(first.added > 0 && first.wroteFile)
      #expect(second.added == 0 && !second.wroteFile)
      #expect(second.sites == first.sites)
      #expect(try folder.read("a.o") == bytes)
      #expect(
        try FileManager.default.attributesOfItem(atPath: folder.path("a.o").string)[.systemFileNumber] as? Int == inode)
      #expect(try folder.contents() == ["a.o"])
    }
  }

  @Test("Only missing tags are added")
  func completes() throws {
    let source = """
      int f(void *c) __attribute__((section("xdp"), btf_decl_tag("mine"),
        btf_decl_tag("static_branch key=k insn=1 target=3 unlikely default=false")));
      int f(void *c) {
        asm volatile goto("r0 = 0\\n__static_branch.u.%=.k: if r0 != 0 goto +1\\nr0 = 0\\nr0 = 0\\n"
          "__static_branch.u.%=0.k: if r0 != 0 goto +0" ::: "r0" : out);
        out: return 0;
      }
      struct { char c; } k __attribute__((section(".static_keys"), used));
      """
    let annotated = try ObjectFile(bytes: Toolchain.compile(source), name: "f.o").annotated()
    let btf = try ObjectFile(bytes: annotated.bytes, name: "f.o").btf()
    #expect(annotated.added == 1)
    #expect(
      try btf.declTags().map(\.text).sorted() == [
        "mine", "static_branch key=k insn=1 target=3 unlikely default=false",
        "static_branch key=k insn=4 target=5 unlikely default=false",
      ])
  }

  @Test("An object without sites comes back as it is", arguments: ["nokeys", "nobtf-nokeys"])
  func withoutSites(name: String) throws {
    let bytes =
      try name == "nokeys" ? FixtureObject.bytes("nokeys") : Toolchain.compile("int f(void) { return 0; }", [])
    let annotated = try ObjectFile(bytes: bytes, name: name).annotated()
    #expect(annotated.bytes == bytes)
    #expect(annotated.sites.isEmpty && annotated.added == 0)
  }
}
