// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
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

    private func output(_ arguments: String...) throws -> JSON {
      try JSON(parsing: run([Tools.built("keyctl")] + arguments + ["--json"]).stdout)
    }

    @Test func everyCommandIsDocumented() throws {
      let sections = try JSONDocument.current.get().sections
      #expect(
        Set(sections.keys) == [
          "Errors", "list", "show", "enable, disable, toggle", "is-enabled", "load", "unload", "inspect", "annotate",
          "dump", "probe",
        ])
    }

    @Test func collectionsAndKeys() throws {
      let veth = try VethPair()
      let name = Collection.newName()
      let object = try Fixture.object("multi", clang: 19)
      let loaded = try output("load", object, "--name", name, "--attach", "xdp:\(veth.receiverHook)")
      defer { _ = try? keyctl("unload", "-q", name) }
      try expect([loaded], documentedIn: "load")
      try expect([output("list", "\(name)/*")], documentedIn: "list")
      try expect([output("show", "\(name)/*")], documentedIn: "show")
      try expect([output("is-enabled", "\(name)/*")], documentedIn: "is-enabled")
      try expect(
        [
          output("enable", "-n", "\(name)/deny"), output("enable", "\(name)/deny"), output("enable", "\(name)/deny"),
          output("toggle", "\(name)/*"), output("disable", "\(name)/*"),
        ], documentedIn: "enable, disable, toggle")
      try expect([output("dump", "/sys/fs/bpf/keyctl/\(name)/progs/multi_tc")], documentedIn: "dump")
      try expect([output("unload", name)], documentedIn: "unload")
    }

    @Test func stillHeld() throws {
      let four = try Collection("four")
      let held = try BPF.open(pin: four.pin("progs", "false_likely"))
      let flipped = try output("enable", "\(four.name)/key_false")
      #expect(flipped["still_held"]?.array == [.int(Int(try BPF.info(held, bpf_prog_info()).id))])
      try expect([flipped], documentedIn: "enable, disable, toggle")
    }

    @Test func objects() throws {
      let folder = try TemporaryFolder()
      let objects = try ["four", "nobtf", "nokeys", "four-big"].map { try Fixture.object($0, clang: 14) }
      try expect(try objects.map { try output("inspect", $0) }, documentedIn: "inspect")
      let copy = folder.file("four.o")
      try expect([output("annotate", objects[0], "-o", copy), output("annotate", copy)], documentedIn: "annotate")
    }

    @Test func probe() throws { try expect([output("probe")], documentedIn: "probe") }

    @Test func errors() throws {
      let bad = try Collection("badarm")
      let failing = [
        ["enable", "-v", "\(bad.name)/badarm"], ["enable", "\(bad.name)/badarm"], ["enable", "\(bad.name)/nosuch"],
        ["enable"], ["inspect", "/nosuch"], ["unload", "nosuchcollection"], ["load", "/etc/passwd"],
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
        check(value, at: field, against: documented, section: section)
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
    case (.string, "string"), (.int, "number"), (.double, "number"), (.bool, "boolean"), (.object, "object"): true
    default: false
    }
  }
}
