// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Yams

extension StateFile {
  /// The state that a file's bytes say.
  public static func parse(_ bytes: [UInt8]) throws(StaticKeysError) -> WantedState {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw StaticKeysError(.malformed, "it is not UTF-8")
    }
    try refuseAnchors(in: bytes)
    guard let root = try document(text), !root.isNull else { throw StaticKeysError(.file, "it is empty") }
    let fields = try root.fields("the file")
    try fields.refuseOthers(than: ["version", "collections"], in: "the file")
    try check(version: fields["version"], line: root.line)
    guard let collections = fields["collections"] else {
      throw StaticKeysError(.malformed, "it has no 'collections'", at: Place(line: root.line))
    }
    return WantedState(
      collections: try collections.value.fields("'collections'").entries.map { entry throws(StaticKeysError) in
        try collection(entry)
      })
  }

  private static func check(version: Fields.Entry?, line: Int?) throws(StaticKeysError) {
    guard let version else {
      throw StaticKeysError(
        .malformed, "it does not say its version", at: Place(line: line),
        advice: "start it with 'version: \(Self.version)'")
    }
    guard let number = version.value.scalar.flatMap({ Int($0) }), number > 0 else {
      throw version.error("'version' must be a number")
    }
    guard number == Self.version else {
      throw StaticKeysError(
        .futureVersion, "it is of version \(number), this program knows \(Self.version)", at: Place(line: version.line))
    }
  }

  private static func collection(_ entry: Fields.Entry) throws(StaticKeysError) -> WantedState.Collection {
    guard !entry.name.isEmpty else { throw entry.error("a collection has no name") }
    let what = "the collection '\(entry.name)'"
    let fields = try entry.value.fields(what)
    try fields.refuseOthers(than: ["keys", "values"], in: what)
    let keys = try fields["keys"]?.value.fields("'keys' of \(what)").entries ?? []
    let values = try fields["values"]?.value.fields("'values' of \(what)").entries ?? []
    return WantedState.Collection(
      name: Glob(entry.name), keys: try keys.map { key throws(StaticKeysError) in try setting(key) },
      values: try values.map { value throws(StaticKeysError) in try assignment(value) })
  }

  private static func assignment(_ entry: Fields.Entry) throws(StaticKeysError) -> WantedState.Assignment {
    guard !entry.name.isEmpty, !entry.name.contains("/") else {
      throw entry.error(
        "'\(entry.name)' cannot be a value's name", advice: "a collection's values stand below its name")
    }
    guard !entry.value.isNull else { throw entry.error("'\(entry.name)' has no value") }
    let text: String
    if let scalar = entry.value.scalar { text = scalar } else { text = try literal(entry.value, of: entry) }
    return WantedState.Assignment(expression: entry.name, text: text, line: entry.line)
  }

  /// A list or mapping as `set` takes it: "[1, 2]", "{a=1}".
  private static func literal(_ node: Node, of entry: Fields.Entry) throws(StaticKeysError) -> String {
    switch node {
    case .scalar(let scalar):
      return scalar.string.utf8.allSatisfy(\.isPlainInLiteral) && !scalar.string.isEmpty
        ? scalar.string : DecodedValue.text(Array(scalar.string.utf8)).description
    case .sequence(let nodes):
      return "["
        + (try nodes.map { node throws(StaticKeysError) in try literal(node, of: entry) })
        .joined(separator: ", ") + "]"
    case .mapping(let mapping):
      let fields = try Fields(mapping).entries.map { field throws(StaticKeysError) in
        "\(field.name)=\(try literal(field.value, of: entry))"
      }
      return "{" + fields.joined(separator: ", ") + "}"
    case .alias: throw entry.error("'\(entry.name)' cannot be an alias")
    }
  }

  private static func setting(_ entry: Fields.Entry) throws(StaticKeysError) -> WantedState.Setting {
    guard !entry.name.isEmpty, !entry.name.contains("/") else {
      throw entry.error("'\(entry.name)' cannot be a key's name", advice: "a collection's keys stand below its name")
    }
    // YAML 1.1 and 1.2 differ in what a truth value is: here it is what it looks like, quoted or not.
    switch entry.value.scalar?.lowercased() {
    case "on", "true", "yes": return WantedState.Setting(keys: Glob(entry.name), isOn: true, line: entry.line)
    case "off", "false", "no": return WantedState.Setting(keys: Glob(entry.name), isOn: false, line: entry.line)
    case let other:
      let found = other.map { "not '\($0)'" } ?? "not \(entry.value.kind)"
      throw entry.error("'\(entry.name)' must be on or off, \(found)")
    }
  }
}

extension StateFile {
  /// Refuses what could be an anchor: nodes that refer to each other can stand for exponentially many.
  private static func refuseAnchors(in bytes: [UInt8]) throws(StaticKeysError) {
    var line = 1
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "\n") { line += 1 }
      guard byte == UInt8(ascii: "&") else { continue }
      let isInsideWord = index > 0 && bytes[index - 1].isLetterOrDigit
      let standsAlone = index + 1 == bytes.count || bytes[index + 1].isSpace
      guard isInsideWord || standsAlone else {
        throw StaticKeysError(
          .malformed, "anchors (&) are not taken", at: Place(line: line), advice: "write in full what is meant")
      }
    }
  }

  private static func document(_ text: String) throws(StaticKeysError) -> Node? {
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw StaticKeysError(yaml: error)
    } catch {
      throw StaticKeysError(.malformed, "it is no YAML: \(error)")
    }
  }
}

extension UInt8 {
  /// Whether it may stand in a number or a name.
  fileprivate var isPlainInLiteral: Bool {
    isLetterOrDigit || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")].contains(self)
  }

  fileprivate var isSpace: Bool { [0x20, 0x09, 0x0a, 0x0d].contains(self) }

  fileprivate var isLetterOrDigit: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
  }
}

extension StaticKeysError {
  /// libyaml's complaint, with its line.
  fileprivate init(yaml error: YamlError) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      // "*_events: on" reads as a reference to something named "_events".
      let isAlias = problem.contains("alias") || context?.text.contains("alias") == true
      self.init(
        .malformed, "it is no YAML: \(context.map { "\($0.text) " } ?? "")\(problem)", at: Place(line: mark.line),
        advice: isAlias ? "quote a pattern that starts with *" : nil)
    case .duplicatedKeysInMapping(let names, let context):
      let told = names.map { "'\($0)'" }.joined(separator: ", ")
      self.init(.malformed, "\(told) stands here more than once", at: Place(line: context.mark.line))
    case .reader(let problem, _, _, _): self.init(.malformed, "it is no YAML: \(problem)")
    default: self.init(.malformed, "it is no YAML: \(error)")
    }
  }
}
