// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import Foundation
import Patcher
import StaticKeys
import SystemPackage
import TestSupport

/// A template built of an object, in a file of a folder of its own.
struct BuiltTemplate {
  let template: CollectionTemplate
  let path: String
  private let folder: TemporaryFolder

  init(_ fixture: String, clang version: Int = 19) throws {
    try self.init(object: Fixture.object(fixture, clang: version))
  }

  init(object: String) throws {
    folder = try TemporaryFolder()
    path = folder.file("template")
    template = try TemplateBuilder().build(FilePath(object))
    try TemplateFile.write(template, to: FilePath(path), likeness: FilePath(object))
  }

  /// Loads the file.
  func load(values: [String] = []) throws -> Collection { try Collection(object: path, values: values) }
}

/// What there is to see of a collection, without what no two loads have in common: ids and times.
enum Portrait {
  /// Its programs as the kernel runs them, and its maps with all that they hold.
  static func lines(of collection: Collection) throws -> [String] {
    let pins = BPFFSListing.files(under: collection.report.directory.string)
    var lines = pins
    for pin in pins {
      let path = "\(collection.report.directory)/\(pin)"
      if pin.hasPrefix("progs/") { lines += try program(path) }
      if pin.hasPrefix("maps/") { lines += try map(path) }
    }
    return lines
  }

  private static func program(_ pin: String) throws -> [String] {
    let shown = try Bpftool.json("prog", "show", "pinned", pin)
    let kept = ["name", "type", "tag", "gpl_compatible", "bytes_xlated"].map { "\($0) \(shown[$0] ?? .null)" }
    let dump = try Bpftool.json("prog", "dump", "xlated", "pinned", pin).array.compactMap { $0["disasm"]?.string }
    let id = "\(shown["btf_id"]?.int ?? 0)"
    return kept + ["\(shown["map_ids"]?.array.count ?? 0) maps"]
      + dump.map { $0.replacing(/map\[id:\d+\]/, with: "map") }
      + [try Bpftool.text("btf", "dump", "id", id)]
  }

  private static func map(_ pin: String) throws -> [String] {
    let shown = try Bpftool.json("map", "show", "pinned", pin)
    let kept = ["name", "type", "flags", "bytes_key", "bytes_value", "max_entries", "frozen"].map {
      "\($0) \(shown[$0] ?? .null)"
    }
    // Not all kinds of maps can be dumped, and a million zeros tell nothing.
    guard shown["max_entries"]?.int ?? 0 <= 4096 else { return kept }
    return kept + [(try? run(["bpftool", "-j", "map", "dump", "pinned", pin]).stdout) ?? ""]
  }
}
