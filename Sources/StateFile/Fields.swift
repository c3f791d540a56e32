// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Yams

/// A mapping of the file: its fields by name, each with its line.
struct Fields {
  struct Entry {
    let name: String
    let line: Int?
    let value: Node

    func error(_ message: String, advice: String? = nil) -> StaticKeysError {
      StaticKeysError(.malformed, message, at: Place(line: line), advice: advice)
    }
  }

  private(set) var entries: [Entry] = []

  subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// - Throws: `.malformed` for a name that is none, or that stands there twice.
  init(_ mapping: Node.Mapping) throws(StaticKeysError) {
    var seen: Set<String> = []
    for pair in mapping {
      guard let name = pair.key.scalar else {
        throw StaticKeysError(.malformed, "\(pair.key.kind) cannot be a name", at: Place(line: pair.key.line))
      }
      let entry = Entry(name: name, line: pair.key.line, value: pair.value)
      // YAML tells a quoted name from one that is not; for us they are the same.
      guard seen.insert(name).inserted else { throw entry.error("'\(name)' stands here more than once") }
      entries.append(entry)
    }
  }

  init() {}

  /// Refuses what is misspelt, or newer than this program.
  func refuseOthers(than known: [String], in what: String) throws(StaticKeysError) {
    guard let other = entries.first(where: { !known.contains($0.name) }) else { return }
    let near = known.first { EditDistance.isNear($0, other.name) }
    throw other.error(
      "\(what) has the unknown field '\(other.name)'",
      advice: near.map { "did you mean '\($0)'?" } ?? "known are \(known.joined(separator: ", "))")
  }
}

extension Node {
  /// The text of a scalar as it was written, whatever YAML takes it for.
  var scalar: String? {
    guard case .scalar(let scalar) = self else { return nil }
    return scalar.string
  }

  var line: Int? { mark?.line }

  /// Whether nothing was written: "keys:" with its lines commented out.
  var isNull: Bool {
    guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
    return ["", "~", "null"].contains(scalar.string)
  }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .scalar: "a single value"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  /// The fields of a mapping; none where nothing was written.
  func fields(_ what: String) throws(StaticKeysError) -> Fields {
    if isNull { return Fields() }
    guard case .mapping(let mapping) = self else {
      throw StaticKeysError(.malformed, "\(what) must be a mapping, not \(kind)", at: Place(line: line))
    }
    return try Fields(mapping)
  }
}
