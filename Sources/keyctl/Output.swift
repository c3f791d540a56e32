// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// Options of every command that prints.
struct OutputOptions: ParsableArguments {
  @Flag(name: [.long, .customShort("j")], help: "Print JSON; docs/json.md has the fields.")
  var json = false

  @Flag(name: .shortAndLong, help: "Show the verifier's whole log when it refuses a program.")
  var verbose = false
}

/// JSON with fields in a stable order.
enum JSON {
  static func text(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Our own types always encode: strings, numbers, booleans, arrays and objects of them.
    let data = (try? encoder.encode(value)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

/// Columns of text, as wide as their longest entry.
enum Table {
  static func lines(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { index, cell in
        index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
      }
      return cells.joined(separator: "  ")
    }
  }
}

extension Duration {
  /// Milliseconds.
  var milliseconds: Double { self / .milliseconds(1) }

  /// "3.1 ms".
  var text: String { String(format: "%.1f ms", milliseconds) }
}

/// "1 site", "2 sites".
func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
