// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension ValueIndex {
  /// What a name may stand for.
  public enum Scope: Sendable {
    /// Keys and values.
    case all
    /// What can be switched on and off: static keys, and constants that are truth values.
    case switches
  }

  /// What a pattern means.
  ///
  /// - Throws: `.notFound` if nothing matches; `.ambiguous` for a plain name that several collections have, or several
  ///   variables of one.
  public func matches(
    for pattern: ValuePattern, among scope: Scope = .all
  ) throws(StaticKeysError) -> [ValueMatch] {
    let found = candidates(for: pattern, among: scope)
    guard let first = found.first else { throw notFound(pattern, among: scope) }
    let isEachOne = Dictionary(grouping: found, by: \.collection).allSatisfy { $0.value.count == 1 }
    guard found.count == 1 || pattern.isPattern || pattern.collection?.isPattern == true && isEachOne else {
      let otherCollection = found.contains { $0.collection != first.collection }
      throw StaticKeysError(
        .ambiguous, "'\(pattern)' means several: \(found.map(\.story).joined(separator: ", "))",
        advice: otherCollection
          ? "name the collection, or write */\(pattern.expression) for all"
          : "name it in full; of two with one name, one has to be renamed in the source")
    }
    return found
  }

  /// What patterns mean, each once and as a whole, by name: static keys, then the other values.
  ///
  /// - Throws: as `matches(for:)`, and `.notFound` for a path that leads nowhere.
  public func matches(
    for patterns: [KeyPattern], among scope: Scope = .all
  ) throws(StaticKeysError) -> [ValueMatch] {
    var found: Set<ValueIdentity> = []
    for pattern in patterns {
      for match in try matches(for: ValuePattern(pattern), among: scope) {
        if case .value(let value, let path) = match { _ = try value.parts(at: path) }
        found.insert(match.identity)
      }
    }
    return all.filter { found.contains($0.identity) }
  }

  private func candidates(for pattern: ValuePattern, among scope: Scope) -> [ValueMatch] {
    var found: [ValueMatch] = []
    for match in all {
      guard let path = pattern.path(in: match.variable, of: match.collection) else { continue }
      switch match {
      case .key where path == .whole: found.append(match)
      case .key: break
      case .value(let value, _): found.append(.value(value, path))
      }
    }
    if scope == .switches { found = found.filter(\.isSwitch) }
    // A name in full comes before the same as the last part of another.
    let exact = found.filter { match in
      switch match {
      case .key: true
      case .value(let value, let path): pattern.expression == "\(value.variable)\(path)"
      }
    }
    return exact.isEmpty || pattern.isPattern ? found : exact
  }

  private func notFound(_ pattern: ValuePattern, among scope: Scope) -> StaticKeysError {
    let kind = scope == .switches ? "key" : "key or value"
    if case .value(let other, _)? = candidates(for: pattern, among: .all).first {
      return StaticKeysError(
        .notFound,
        "'\(pattern)' is no key: it is the \(other.kind.rawValue) \(other.type.declaration(of: other.variable))",
        advice: "set it: set \(other.name)=…")
    }
    let canBeRead = pattern.collection.map { named in
      !named.isPattern && all.contains { named.matches($0.collection) }
    }
    if let broken = unreadable.first, canBeRead != true {
      return StaticKeysError(
        broken.error.code, "no \(kind) matches '\(pattern)', and a program cannot be read: \(broken.error.message)",
        at: broken.error.place, errno: broken.error.errno, advice: broken.error.advice)
    }
    let near = all.filter { match in
      (scope == .all || match.isSwitch) && EditDistance.isNear(pattern.name, match.variable)
        && pattern.collection.map { $0.matches(match.collection) || EditDistance.isNear($0.pattern, match.collection) }
          ?? true
    }.map(\.name)
    return StaticKeysError(
      .notFound, "no \(kind) matches '\(pattern)'",
      advice: near.isEmpty
        ? "'list' shows \(scope == .switches ? "the keys there are" : "what there is")"
        : "did you mean \(near.prefix(5).joined(separator: " or "))?")
  }
}
