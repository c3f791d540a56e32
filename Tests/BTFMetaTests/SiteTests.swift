// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

@Suite("Sites of good objects")
struct SiteTests {
  @Test("All combinations of default and layout start as jump_label says", arguments: ["four", "four-big"])
  func fourCombinations(name: String) throws {
    for compiler in FixtureObject.compilers {
      let object = try ObjectFile(path: FixtureObject.path(name, compiler))
      #expect(object.byteOrder == (name == "four" ? .little : .big))
      #expect(object.license == "GPL")
      #expect(object.keys.map { "\($0.name)=\($0.defaultValue)" } == ["key_false=false", "key_true=true"])
      let states = try object.sites().map { "\($0.function.name): \($0.state.rawValue)" }
      #expect(states == ["true_likely: nop", "true_unlikely: jump", "false_likely: jump", "false_unlikely: nop"])
    }
  }

  @Test("Sites lie in static and global subprograms, inlined copies and loops", arguments: FixtureObject.compilers)
  func subprograms(compiler: String) throws {
    let object = try ObjectFile(path: FixtureObject.path("subprogs", compiler))
    let sites = try object.sites()
    let counts = Dictionary(grouping: sites, by: \.function).mapValues(\.count)
    let subprograms = counts.keys.filter { $0.section == ".text" }
    #expect(sites.count == 6)
    #expect(Set(subprograms.map(\.isGlobal)) == [true, false])
    #expect(counts.values.max() == 3)
  }

  @Test("Stripping debug sections moves no site", arguments: ["four", "subprogs", "share"])
  func stripped(name: String) throws {
    for compiler in FixtureObject.compilers {
      let whole = try ObjectFile(path: FixtureObject.path(name, compiler)).sites()
      let stripped = try ObjectFile(path: FixtureObject.path(name + "-stripped", compiler)).sites()
      #expect(whole.map(\.branch) == stripped.map(\.branch))
      #expect(whole.map(\.function.name) == stripped.map(\.function.name))
    }
  }

  @Test("A key of one object steers sites of another after linking", arguments: FixtureObject.compilers)
  func linked(compiler: String) throws {
    let object = try ObjectFile(path: FixtureObject.path("share", compiler))
    #expect(object.keys.map(\.name.rawValue) == ["shared"])
    #expect(try Set(object.sites().map(\.function.name)) == ["share_a", "share_b", "shared_tens"])
  }

  @Test("The assembly of the bad-input tests is good where nothing is made bad")
  func assembly() throws {
    let object = try ObjectFile(bytes: Toolchain.assemble(AssemblyObject().source), name: "f.o")
    let site = try #require(try object.sites().first)
    #expect(site.branch.tag == "static_branch key=k insn=1 target=3 unlikely default=false")
    #expect(site.function.name == "f")
    #expect(site.function.section == "xdp")
    #expect(site.function.start == ByteOffset(0))
    #expect(site.function.byteCount == 40)
    #expect(object.license == nil)
  }

  @Test("Any byte but 0 is a TRUE key, and keys without file contents are FALSE")
  func defaults() throws {
    var source = AssemblyObject(function: "exit", keyBytes: ".byte 0x80").source
    #expect(try ObjectFile(bytes: Toolchain.assemble(source), name: "f.o").keys.map(\.defaultValue) == [true])
    source = AssemblyObject(function: "exit", keyBytes: ".zero 1").source
      .replacing(#""aw",@progbits"#, with: #""aw",@nobits"#)
    #expect(try ObjectFile(bytes: Toolchain.assemble(source), name: "f.o").keys.map(\.defaultValue) == [false])
  }

  @Test("A summary tells keys, functions and sites")
  func summary() throws {
    let summary = try ObjectFile(path: FixtureObject.path("multi")).summary()
    let deny = try #require(KeyName("deny"))
    #expect(summary.functions.map(\.name) == ["multi_xdp", "multi_tc"])
    #expect(summary.sites(of: deny).map(\.function.name) == ["multi_xdp", "multi_tc"])
    #expect(summary.sites(in: summary.functions[0]).map(\.branch.key.rawValue) == ["count_xdp", "deny"])
    #expect(summary.isAnnotated == false)
    #expect(try ObjectFile(path: FixtureObject.path("nobtf")).summary().isAnnotated == nil)
  }
}
