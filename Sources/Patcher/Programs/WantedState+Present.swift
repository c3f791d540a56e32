// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension WantedState {
  /// The state that keys and values are in.
  ///
  /// - Parameter matches: parts of values count as the whole.
  public init(of matches: [ValueMatch]) {
    var found: [String: Collection] = [:]
    let named = Dictionary(grouping: matches, by: \.name)
    for match in matches {
      found[match.collection, default: Collection(name: Glob(match.collection))]
        .add(match, isOnlyOne: named[match.name]?.count == 1)
    }
    self.init(collections: found.sorted { $0.key < $1.key }.map(\.value))
  }
}

extension WantedState.Collection {
  fileprivate mutating func add(_ match: ValueMatch, isOnlyOne: Bool) {
    switch match {
    // No name in a file would tell them apart.
    case _ where !isOnlyOne: unsettable.append(match.variable)
    case .key(let key):
      switch key.state {
      case .mixed: mixed.append(key.key.name)
      case let state: keys.append(WantedState.Setting(keys: Glob(key.key.name.rawValue), isOn: state == .on))
      }
    case .value(let value, _):
      if let setting = value.setting {
        values.append(WantedState.Assignment(expression: value.variable, text: setting.text))
      } else if value.settings.count > 1 {
        mixedValues.append(value.variable)
      } else {
        unsettable.append(value.variable)
      }
    }
  }
}

extension ValueIndex {
  /// All that its user configures: what programs write themselves, in .data and .bss, is not.
  public var configuration: [ValueMatch] { all.filter { !$0.isVariable } }

  /// What patterns for keys mean, but what programs write themselves only where it is named in full.
  ///
  /// - Throws: as `matches(for:)`.
  public func configuration(named patterns: [KeyPattern]) throws(StaticKeysError) -> [ValueMatch] {
    let inFull = Set(try matches(for: patterns.filter { !$0.key.isPattern }).map(\.identity))
    return try matches(for: patterns).filter { !$0.isVariable || inFull.contains($0.identity) }
  }
}

extension ValueMatch {
  fileprivate var isVariable: Bool { if case .value(let value, _) = self { value.kind == .variable } else { false } }
}
