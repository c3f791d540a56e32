// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension StateFile {
  /// The lines of a file that says a state, in its order. What the state leaves out is told in a comment.
  public static func lines(of state: WantedState) -> [String] {
    let head = ["version: \(version)", state.collections.isEmpty ? "collections: {}" : "collections:"]
    return state.collections.reduce(into: head) { lines, collection in
      lines.append("  \(quoted(collection.name.pattern)):")
      let keys = collection.keys.map { ($0.keys.pattern, "\(quoted($0.keys.pattern)): \($0.isOn ? "on" : "off")") }
      let mixed = collection.mixed.map { ($0.rawValue, "# \($0): mixed") }
      lines += block("keys", keys + mixed)
      let values = collection.values.map { ($0.expression, "\(quoted($0.expression)): \(quoted(value: $0.text))") }
      let mixedValues = collection.mixedValues.map { ($0, "# \($0): mixed") }
      let unsettable = collection.unsettable.map { ($0, "# \($0): cannot be set") }
      lines += block("values", values + mixedValues + unsettable)
    }
  }

  private static func block(_ name: String, _ lines: [(name: String, line: String)]) -> [String] {
    lines.isEmpty ? [] : ["    \(name):"] + lines.sorted { $0.name < $1.name }.map { "      \($0.line)" }
  }

  /// A value as it may stand in YAML: the text is what counts, so only what reads the same everywhere stays plain.
  private static func quoted(value text: String) -> String {
    let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && !text.isEmpty
    return isNumber || ["true", "false"].contains(text) ? text : quoted(text)
  }

  /// A name as it may stand in YAML: plain where no reader takes it for something else.
  private static func quoted(_ name: String) -> String {
    let isPlain = KeyName(name.replacing("-", with: "_")) != nil && !name.hasPrefix("-")
    if isPlain, !otherMeaning.contains(name.lowercased()) { return name }
    return "\"" + name.unicodeScalars.map(escaped).joined() + "\""
  }

  private static let otherMeaning: Set<String> = ["on", "off", "true", "false", "yes", "no", "y", "n", "null"]

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"", "\\": return "\\\(scalar)"
    case let scalar where scalar.isASCII && scalar.value >= 0x20 && scalar.value < 0x7f && scalar != "&":
      return String(scalar)
    default:
      let digits = String(scalar.value, radix: 16)
      return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
  }
}
