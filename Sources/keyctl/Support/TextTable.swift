// SPDX-License-Identifier: Apache-2.0

/// Rows of text in aligned columns, two spaces apart.
struct TextTable {
  let header: [String]
  var rows: [[String]] = []

  init(_ header: String..., rows: [[String]]) { self.init(header: header, rows: rows) }

  init(header: [String], rows: [[String]]) {
    self.header = header
    self.rows = rows
  }

  /// The header and the rows; nothing is padded at the end of a line.
  var lines: [String] {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let padded = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }
}

/// A count with its noun: "1 site", "2 sites".
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}

extension String {
  /// The text with control characters written out: names and source lines come from maps that anybody may have made.
  var printable: String {
    guard unicodeScalars.contains(where: Self.isControl) else { return self }
    return unicodeScalars.map { Self.isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
  }

  /// Lines of C have tabs in them, which do no harm.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && scalar != "\t"
  }
}
