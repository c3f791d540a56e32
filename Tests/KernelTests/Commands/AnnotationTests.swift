// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import TestSupport
import Testing

extension KernelTests {
  /// The public description of the branches: what `annotate` writes, what a loaded program's BTF says, and what bpftool
  /// shows are one.
  @Suite(.serialized, .requiresRoot, .requires(tool: "bpftool"), .censused)
  struct Annotation {
    /// One of our tags as bpftool shows it, with its function.
    struct Tag: Hashable, Comparable, CustomStringConvertible {
      let function: String
      let text: String

      var description: String { "\(function): \(text)" }

      static func < (a: Tag, b: Tag) -> Bool { (a.function, a.text) < (b.function, b.text) }
    }

    /// Our tags in a BTF dump, sorted; each stands on a function as a whole.
    static func tags(_ dump: JSON) throws -> [Tag] {
      let types = dump["types"]?.array ?? []
      let functions = Dictionary(
        uniqueKeysWithValues: types.filter { $0["kind"]?.string == "FUNC" }.compactMap { type in
          type["id"]?.int.map { ($0, type["name"]?.string ?? "") }
        })
      return try types.filter { type in
        type["kind"]?.string == "DECL_TAG" && type["name"]?.string?.hasPrefix("static_branch ") == true
      }.map { tag in
        #expect(tag["component_idx"]?.int == Int(UInt32.max) || tag["component_idx"]?.int == -1)
        let function = try #require(tag["type_id"]?.int.flatMap { functions[$0] }, "\(tag)")
        return Tag(function: function, text: try #require(tag["name"]?.string))
      }.sorted()
    }

    static func tags(ofProgramPinnedAt path: String) throws -> [Tag] {
      let id = try BPF.info(BPF.open(pin: path), bpf_prog_info()).btf_id
      return try tags(Bpftool.json("btf", "dump", "id", String(id)))
    }

    /// A copy of a fixture that the command has annotated.
    private func annotated(_ fixture: String, clang: Int, in folder: TemporaryFolder) throws -> String {
      let output = folder.file("\(fixture).o")
      try keyctl("annotate", Fixture.object(fixture, clang: clang), "-o", output).checked()
      return output
    }

    @Test(
      "the tags in an annotated object, in a program that keyctl loaded, and in one that it flipped",
      arguments: [("four", 4), ("subprogs", 6), ("share", 3)], [14, 19])
    func objectAndProgram(_ fixture: (name: String, sites: Int), clang: Int) throws {
      let folder = try TemporaryFolder()
      let object = try annotated(fixture.name, clang: clang, in: folder)
      let written = try Self.tags(Bpftool.json("btf", "dump", "file", object))
      #expect(written.count == fixture.sites)

      // The object without tags: what `load` adds in memory is the same.
      let loaded = try Collection(fixture.name, clang: clang)
      let programs = try loaded.programs().map(\.name)
      for program in programs {
        let found = try Self.tags(ofProgramPinnedAt: loaded.pin("progs", program))
        #expect(found == written, "\(program)")
      }
      try keyctl("toggle", "\(loaded.name)/*").checked()
      for program in programs {
        let found = try Self.tags(ofProgramPinnedAt: loaded.pin("progs", program))
        #expect(found == written, "\(program), flipped")
      }
    }

    @Test("the tags say what show says of the running program", arguments: [14, 19])
    func tagsAndShow(clang: Int) throws {
      let subprogs = try Collection("subprogs", clang: clang)
      let shown = try JSON(parsing: keyctl("show", "\(subprogs.name)/steps", "--json").checked().stdout)
      let sites = try #require(shown[0]?["sites"]).array.map { site in
        Tag(
          function: site["function"]?.string ?? "",
          text: "static_branch key=steps insn=\(site["insn"]?.int ?? -1) target=\(site["target"]?.int ?? -1) "
            + "unlikely default=false")
      }
      let found = try Self.tags(ofProgramPinnedAt: subprogs.pin("progs", "subprogs"))
      #expect(found == sites.sorted())
    }

    @Test(
      "a plain loader takes an annotated object, and the program's BTF shows the tags",
      arguments: ["four", "subprogs", "share"], [14, 19])
    func plainLoader(fixture: String, clang: Int) throws {
      let folder = try TemporaryFolder()
      let object = try annotated(fixture, clang: clang, in: folder)
      let pins = try PinFolder()
      try run(["bpftool", "prog", "loadall", object, pins.pin("progs")]).checked()
      let written = try Self.tags(Bpftool.json("btf", "dump", "file", object))
      let programs = BPFFSListing.files(under: pins.pin("progs"))
      #expect(!programs.isEmpty)
      for program in programs {
        let found = try Self.tags(ofProgramPinnedAt: pins.pin("progs/\(program)"))
        #expect(!found.isEmpty && found == written, "\(program)")
      }
    }
  }
}
