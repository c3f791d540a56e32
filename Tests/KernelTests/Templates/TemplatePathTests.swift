// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import TestSupport
import Testing

extension KernelTests {
  /// How the command gets from a template file to running programs: what it opens, and what it calls.
  @Suite(.serialized, .requiresRoot, .requires(tool: "strace"), .censused)
  struct TemplatePath {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The files that loading something opens, after the dynamic linker has brought the libraries in.
    private func filesOpened(loading file: String, set values: [String] = []) throws -> [String] {
      let name = Collection.newName()
      let trace = folder.file("trace")
      let command = [try Tools.built("keyctl"), "load", file, "--name", name] + values.flatMap { ["--set", $0] }
      try run(["strace", "-f", "-e", "trace=openat,open", "-o", trace] + command).checked()
      defer { _ = try? keyctl("unload", "-q", name).checked() }
      let text = try String(contentsOfFile: trace, encoding: .utf8)
      return text.split(separator: "\n").filter { !$0.contains(" = -1 ") }.compactMap { line in
        line.split(separator: "\"").dropFirst().first.map(String.init)
      }
    }

    /// The functions of libbpf and libelf that are bound while something is loaded: those that are called.
    private func functionsCalled(loading file: String) throws -> Set<String> {
      let name = Collection.newName()
      let log = folder.file("bindings")
      let environment: [String: String?] = ["LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": log, "LD_BIND_NOW": nil]
      try keyctl("load", file, "--name", name, environment: environment).checked()
      defer { _ = try? keyctl("unload", "-q", name).checked() }
      var found: Set<String> = []
      for entry in try FileManager.default.contentsOfDirectory(atPath: folder.path) where entry.hasPrefix("bindings") {
        let text = try String(contentsOfFile: folder.file(entry), encoding: .utf8)
        // What is bound before is what the code takes the address of, called or not.
        let lines = text.split(separator: "\n").drop { !$0.contains("transferring control") }
        #expect(!lines.isEmpty)
        for line in lines {
          let parts = line.split(separator: " ")
          guard let to = parts.firstIndex(of: "to"), parts[..<to].contains(where: { $0.hasSuffix("/keyctl") }),
            to + 1 < parts.endIndex, parts[to + 1].contains("/libbpf.so") || parts[to + 1].contains("/libelf.so"),
            let symbol = line.firstMatch(of: /symbol `([^']+)'/)
          else { continue }
          found.insert(String(symbol.1))
        }
      }
      return found
    }

    private func isELF(_ path: String) -> Bool {
      (try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)).read(upToCount: 4))
        == Data([0x7f, 0x45, 0x4c, 0x46])
    }

    @Test(
      "loading a template opens no ELF but the libraries of the command itself; loading an object does",
      arguments: [("four", []), ("values", ["debug=true", "limits.rate[2]=5"]), ("consts", ["level=LEVEL_HIGH"])])
    func noELF(fixture: String, values: [String]) throws {
      let built = try BuiltTemplate(fixture)
      let opened = try filesOpened(loading: built.path, set: values)
      #expect(opened.contains(built.path))
      let elves = opened.filter { isELF($0) && !$0.contains(/\.so(\.|$)/) }
      #expect(elves.isEmpty)
      let object = try Fixture.object(fixture, clang: 19)
      let others = try filesOpened(loading: object, set: values).filter { isELF($0) && !$0.contains(/\.so(\.|$)/) }
      #expect(Set(others) == [object], "the same look sees it there")
    }

    @Test("loading a template calls libbpf's system calls, and nothing of its objects or of libelf")
    func noObject() throws {
      let built = try BuiltTemplate("kinds")
      let calls = try functionsCalled(loading: built.path)
      #expect(calls.isSuperset(of: ["bpf_btf_load", "bpf_map_create", "bpf_prog_load"]), "\(calls)")
      let foreign = calls.filter { name in
        ["bpf_object__", "bpf_program__", "bpf_map__", "elf", "gelf"].contains { name.hasPrefix($0) }
      }
      #expect(foreign.isEmpty)
      let object = try functionsCalled(loading: Fixture.object("kinds", clang: 19))
      #expect(object.contains("bpf_object__open_mem") && object.contains("elf_memory"), "the same look sees them there")
    }

    @Test("no compiler and no other program is started")
    func noProgram() throws {
      let built = try BuiltTemplate("four")
      let name = Collection.newName()
      let trace = folder.file("trace")
      let command = [try Tools.built("keyctl"), "load", built.path, "--name", name]
      try run(["strace", "-f", "-e", "trace=execve", "-o", trace] + command).checked()
      defer { _ = try? keyctl("unload", "-q", name).checked() }
      let started = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").filter {
        $0.contains("execve(")
      }
      #expect(started.count == 1)
    }
  }
}
