// SPDX-License-Identifier: Apache-2.0

/// A pattern in which `*` stands for any characters and `?` for one, as in a shell; nothing else is special.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
  /// The pattern as it was written.
  public let pattern: String

  /// A pattern; every text is one.
  public init(_ pattern: some StringProtocol) { self.pattern = String(pattern) }

  public var description: String { pattern }

  /// Whether the pattern could match more than one text.
  public var isPattern: Bool { pattern.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }

  /// Whether the whole of `text` fits.
  public func matches(_ text: some StringProtocol) -> Bool {
    let pattern = Array(self.pattern)
    let text = Array(text)
    var p = 0
    var t = 0
    // Where to go on after letting the last `*` take one character more.
    var retry: (pattern: Int, text: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (p + 1, t)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = retry {
        retry = (last.pattern, last.text + 1)
        p = last.pattern
        t = last.text + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}

/// Which keys a user means: `[COLLECTION/]KEY`, both patterns.
public struct KeyPattern: Hashable, Sendable, CustomStringConvertible {
  /// The collection; nil means any.
  public let collection: Glob?
  /// The key.
  public let key: Glob

  /// The pattern in `text`; nil if it or one of its parts is empty.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let last = parts.last, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    collection = parts.count == 2 ? Glob(parts[0]) : nil
    key = Glob(last)
  }

  /// The keys of these collections.
  public init(collection: Glob, key: Glob) {
    self.collection = collection
    self.key = key
  }

  public var description: String { collection.map { "\($0)/\(key)" } ?? key.description }

  /// Whether a key of a collection is meant.
  public func matches(collection: String, key: KeyName) -> Bool {
    self.collection?.matches(collection) ?? true && self.key.matches(key.rawValue)
  }
}
