// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Glibc
import TestSupport
import Testing

extension KernelTests {
  /// The fields of docs/json.md are those that the commands print: none is missing, renamed or of another type, and
  /// none is printed that is not documented.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandJSON {
    /// Compares a section's table with output; each field that is not optional must be there whenever its object is.
    private func expect(_ outputs: [JSON], documentedIn section: String) throws {
      let documented = try JSONDocument.current.get().fields(in: section)
      #expect(!documented.isEmpty, "docs/json.md has no table for '\(section)'")
      for output in outputs { JSONDocument.check(output, at: "", against: documented, section: section) }
      let printed = Set(outputs.flatMap { JSONDocument.paths(in: $0, at: "") })
      let never = documented.filter { !$0.value.isOptional && !printed.contains($0.key) }.keys.sorted()
      #expect(never.isEmpty, "\(section): documented but not seen: \(never)")
    }

    private func output(_ arguments: String...) throws -> JSON { try outputs(arguments) }

    private func outputs(_ arguments: [String]) throws -> JSON {
      try JSON(parsing: run([Tools.built("keyctl")] + arguments + ["--json"]).stdout)
    }

    @Test func everyCommandIsDocumented() throws {
      let sections = try JSONDocument.current.get().sections
      #expect(
        Set(sections.keys) == [
          "Errors", "list", "show", "enable, disable, toggle, apply, restore", "save", "is-enabled", "load",
          "load --replace", "gc", "unload", "inspect", "annotate", "dump", "probe", "get", "set",
          "template build, template show",
        ])
    }

    @Test func collectionsAndKeys() throws {
      let veth = try VethPair()
      let name = Collection.newName()
      let object = try Fixture.object("multi", clang: 19)
      let loaded = try output(
        "load", object, Collection.engineOption, "--name", name, "--attach", "xdp:\(veth.receiverHook)")
      defer { _ = try? keyctl("unload", "-q", name) }
      try expect([loaded], documentedIn: "load")
      let consts = try Collection("consts")
      try expect([output("list", "\(name)/*"), output("list", "\(consts.name)/*")], documentedIn: "list")
      try expect([output("show", "\(name)/*"), output("show", "\(consts.name)/*")], documentedIn: "show")
      try expect([output("is-enabled", "\(name)/*")], documentedIn: "is-enabled")
      let late = try VersionedObject("late")
      let added = try output("load", late.path, "--into", name)
      #expect(added["added"]?.bool == true)
      try expect([loaded, added], documentedIn: "load")
      let upgrade = [
        "load", "--replace", object, "--name", name, "--attach",
        "multi_xdp=xdp:\(VethPair.senderDevice)@\(veth.sender.name)",
      ]
      try expect([outputs(upgrade + ["-n"]), outputs(upgrade)], documentedIn: "load --replace")
      let folder = try TemporaryFolder()
      let state = try folder.write(Array("{version: 1, collections: {\(name): {keys: {deny: on}}}}".utf8), to: "state")
      try expect(
        [
          output("enable", "-n", "\(name)/deny"), output("enable", "\(name)/deny"), output("enable", "\(name)/deny"),
          output("toggle", "\(name)/*"), output("disable", "\(name)/*"), output("apply", "-n", state),
          output("restore", state),
        ], documentedIn: "enable, disable, toggle, apply, restore")
      try expectSaved(
        output("save", "\(name)/*"), of: name, and: output("save", "\(consts.name)/*"), of: consts.name)
      let pins = ["/sys/fs/bpf/keyctl/\(name)/progs/multi_tc", consts.pin("progs", "stores")]
      try expect(try pins.map { try output("dump", $0) }, documentedIn: "dump")
      try expect([output("unload", name)], documentedIn: "unload")
    }

    @Test func templatesAndInstances() throws {
      let folder = try TemporaryFolder()
      let templates = try ["kinds", "bound"].map { fixture in
        try output("template", "build", Fixture.object(fixture, clang: 19), "-o", folder.file(fixture))
      }
      try expect(
        templates + [output("template", "show", folder.file("bound"))], documentedIn: "template build, template show")
      let name = Collection.newName()
      let veth = try VethPair()
      let loaded = try output(
        "load", folder.file("kinds"), "--name", name, "--instance", "a", "--share-map", "ring", Collection.engineOption,
        "--attach", "xdp:\(veth.receiverHook)")
      defer { _ = try? keyctl("unload", "-q", name) }
      try expect([loaded], documentedIn: "load")
      try expect([output("unload", name, "--instance", "a")], documentedIn: "unload")
    }

    /// Names of collections and keys are fields there, which the table writes as `*`.
    private func expectSaved(_ saved: JSON, of name: String, and other: JSON, of consts: String) throws {
      let keys = try #require(saved["collections"]?[name]?["keys"])
      #expect(keys.fields == ["deny", "count_xdp", "count_tc"])
      let level = try #require(other["collections"]?[consts]?["values"]?["level"])
      #expect(level.string == "LEVEL_LOW")
      #expect(saved["collections"]?[name]?["values"]?.fields == [])
      let general = [
        "version": saved["version"] ?? .null,
        "collections": .object([
          "*": .object([
            "keys": .object(["*": keys["deny"] ?? .null]),
            "values": .object(["*": level]),
          ])
        ]),
      ]
      try expect([.object(general)], documentedIn: "save")
    }

    @Test func stillHeld() throws {
      let four = try Collection("four", engine: .reload)
      let held = try BPF.open(pin: four.pin("progs", "false_likely"))
      let flipped = try output("enable", "\(four.name)/key_false")
      #expect(flipped["still_held"]?.array == [.int(Int(try BPF.info(held, bpf_prog_info()).id))])
      try expect([flipped], documentedIn: "enable, disable, toggle, apply, restore")
    }

    @Test func objects() throws {
      let folder = try TemporaryFolder()
      let objects = try ["four", "nobtf", "nokeys", "four-big", "consts"].map { try Fixture.object($0, clang: 14) }
      try expect(try objects.map { try output("inspect", $0) }, documentedIn: "inspect")
      let copy = folder.file("four.o")
      try expect([output("annotate", objects[0], "-o", copy), output("annotate", copy)], documentedIn: "annotate")
    }

    @Test func garbage() throws {
      let object = try VersionedObject()
      let (one, two, three) = (
        try Collection(object), try Collection(object), try Collection(VersionedObject("third"))
      )
      try #require(rename(one.report.directory.string, one.report.directory.string + "__new") == 0)
      try #require(rename(three.report.directory.string, two.report.directory.string + "__add") == 0)
      try expect([output("gc", "-n"), output("gc"), output("gc")], documentedIn: "gc")
    }

    @Test func values() throws {
      let values = try Collection("values")
      let consts = try Collection("consts")
      let program = try #require(try values.programs().first { $0.name == "reads_mode" }?.id)
      _ = try output("set", "--prog", "\(program)", "\(values.name)/verdict=3")
      try expect(
        [output("get"), output("get", "\(values.name)/limits.rate[2]", "\(consts.name)/*")], documentedIn: "get")
      try expect(
        [
          output("set", "-n", "\(consts.name)/key=on", "\(consts.name)/tiny=3"),
          output("set", "\(consts.name)/key=on", "\(values.name)/verdict=3", "\(values.name)/threshold=1"),
          output("set", "\(values.name)/limits={low=1}", "\(values.name)/debug=off"),
        ], documentedIn: "set")
    }

    @Test func probe() throws { try expect([output("probe")], documentedIn: "probe") }

    @Test func errors() throws {
      let bad = try Collection("badarm", engine: .reload)
      let folder = try TemporaryFolder()
      let failing = [
        ["enable", "-v", "\(bad.name)/badarm"], ["enable", "\(bad.name)/badarm"], ["enable", "\(bad.name)/nosuch"],
        ["enable"], ["inspect", "/nosuch"], ["unload", "nosuchcollection"], ["load", "/etc/passwd"],
        ["apply", try folder.write(Array("version: 2".utf8), to: "state")],
        ["annotate", try Fixture.object("undefined", clang: 19), "-o", "/nosuch/x"],
      ]
      let errors = try failing.map { command in
        let result = try run([Tools.built("keyctl")] + command + ["--json"])
        #expect(result.status != 0 && result.stdout == "", "\(result)")
        return try JSON(parsing: result.stderr)
      }
      #expect(errors[0]["error"]?["verifier_log"]?.string?.contains("processed") == true)
      #expect(errors[1]["error"]?["verifier_log"] == nil)
      try expect(errors, documentedIn: "Errors")
    }
  }
}

/// The tables of docs/json.md.
struct JSONDocument {
  /// A field's documented type.
  struct Field: Sendable {
    let type: String
    let isOptional: Bool
  }

  /// The fields of each section, by path.
  let sections: [String: [String: Field]]

  static let current = Result { try JSONDocument(Fixture.existing("docs/json.md")) }

  private init(_ path: String) throws {
    var sections: [String: [String: Field]] = [:]
    var section: String?
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix("## ") {
        section = String(line.dropFirst(3))
      } else if let section, let row = line.wholeMatch(of: /\| `([^`]+)` \| ([^|]+?) \|.*\|/) {
        let type = String(row.2)
        let base = type.hasSuffix(", optional") ? String(type.dropLast(", optional".count)) : type
        sections[section, default: [:]][String(row.1)] = Field(type: base, isOptional: base != type)
      }
    }
    self.sections = sections
  }

  func fields(in section: String) -> [String: Field] { sections[section] ?? [:] }

  /// The paths of all fields in a value.
  static func paths(in value: JSON, at path: String) -> [String] {
    switch value {
    case .object(let fields):
      fields.flatMap { name, value in [join(path, name)] + paths(in: value, at: join(path, name)) }
    case .array(let elements): elements.flatMap { paths(in: $0, at: path + "[]") }
    default: []
    }
  }

  /// Checks the fields of every object in a value, and that none is missing.
  static func check(_ value: JSON, at path: String, against documented: [String: Field], section: String) {
    switch value {
    case .array(let elements):
      for element in elements { check(element, at: path + "[]", against: documented, section: section) }
    case .object(let fields):
      for (name, value) in fields {
        let field = join(path, name)
        let type = documented[field]?.type
        let told: Comment = "\(section): \(field) is \(value), documented as \(type ?? "nothing")"
        #expect(type.map { value.fits($0) } == true, told)
        if type?.hasPrefix("any") != true { check(value, at: field, against: documented, section: section) }
      }
      let own = documented.filter { parent(of: $0.key) == path && !$0.value.isOptional }.keys
      let missing = own.filter { fields[String($0.split(separator: ".").last ?? "")] == nil }.sorted()
      #expect(missing.isEmpty, "\(section): an object lacks \(missing)")
    default: break
    }
  }

  private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  private static func parent(of path: String) -> String {
    path.split(separator: ".").dropLast().joined(separator: ".")
  }
}

extension JSON {
  /// Whether this is of a type as docs/json.md names them.
  fileprivate func fits(_ type: String) -> Bool {
    if type.hasSuffix(" or null") { return self == .null || fits(String(type.dropLast(" or null".count))) }
    if type.hasPrefix("array of ") {
      guard case .array(let elements) = self else { return false }
      return elements.allSatisfy { $0.fits(String(type.dropFirst("array of ".count).dropLast())) }
    }
    return switch (self, type) {
    case (_, "any"): self != .null
    case (.string, "string"), (.int, "number"), (.double, "number"), (.bool, "boolean"), (.object, "object"): true
    default: false
    }
  }
}
