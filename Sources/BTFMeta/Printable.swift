// SPDX-License-Identifier: Apache-2.0

extension String {
  /// Whether it has no control characters. No compiler writes names that have some, and a terminal obeys them.
  var isPrintable: Bool { !unicodeScalars.contains { $0.properties.generalCategory == .control } }

  /// The text in quotes, with what is not printable ASCII escaped, fit for an error message.
  var quoted: String { "\"\(unicodeScalars.map { $0.escaped(asASCII: true) }.joined())\"" }
}
