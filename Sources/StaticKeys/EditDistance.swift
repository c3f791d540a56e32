// SPDX-License-Identifier: Apache-2.0

/// How many letters two names differ by (Levenshtein), for "did you mean".
public enum EditDistance {
  /// Whether one name could be the other one mistyped: at most a third of its letters differ.
  public static func isNear(_ a: String, _ b: String) -> Bool {
    distance(a, b) <= max(1, min(a.count, b.count) / 3)
  }

  /// The least number of letters to insert, remove or replace that makes `b` of `a`.
  public static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let replaced = diagonal + (b[j] == letter ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
