// SPDX-License-Identifier: Apache-2.0

/// Which values a user means: `[COLLECTION/]NAME[PATH]`, where `*` and `?` match in collection and name.
public struct ValuePattern: Hashable, Sendable, CustomStringConvertible {
  /// The collection; nil means any.
  public let collection: Glob?
  /// The name with the path after it: a variable's name may have a dot of its own.
  public let expression: String

  /// The pattern in `text`; nil if it or one of its parts is empty.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let last = parts.last, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    collection = parts.count == 2 ? Glob(parts[0]) : nil
    expression = String(last)
  }

  /// Values of one name, or with a path, in some collections.
  public init(collection: Glob, expression: String) {
    self.collection = collection
    self.expression = expression
  }

  /// The pattern for a key, as a value's.
  public init(_ pattern: KeyPattern) {
    collection = pattern.collection
    expression = pattern.key.pattern
  }

  public var description: String { collection.map { "\($0)/\(expression)" } ?? expression }

  /// Whether several values of a collection may be meant.
  public var isPattern: Bool { Glob(expression).isPattern }

  /// The name as far as it is plain: what comes before a path.
  public var name: String { String(expression.prefix { $0 != "[" && $0 != "." }) }

  /// The path into this variable; nil if another is meant.
  ///
  /// A function's static variable, `function.variable`, answers to its own name too.
  public func path(in variable: String, of collection: String) -> ValuePath? {
    guard self.collection?.matches(collection) ?? true else { return nil }
    let names = [variable] + (variable.split(separator: ".").last.map { [String($0)] } ?? [])
    let ends = expression.indices.filter { expression[$0] == "." || expression[$0] == "[" } + [expression.endIndex]
    for end in ends.reversed() {
      let glob = Glob(expression[..<end])
      if names.contains(where: { glob.matches($0) }), let path = ValuePath(expression[end...]) { return path }
    }
    return nil
  }
}
