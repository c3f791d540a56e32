// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension WantedState {
  /// The state that keys and values are in.
  ///
  /// - Parameter matches: parts of values count as the whole.
  public init(of matches: [ValueMatch]) {
    var found: [String: Collection] = [:]
    for match in matches {
      found[match.collection, default: Collection(name: Glob(match.collection))].add(match)
    }
    self.init(collections: found.sorted { $0.key < $1.key }.map(\.value))
  }
}

extension WantedState.Collection {
  fileprivate mutating func add(_ match: ValueMatch) {
    switch match {
    case .key(let key):
      switch key.state {
      case .mixed: mixed.append(key.key.name)
      case let state: keys.append(WantedState.Setting(keys: Glob(key.key.name.rawValue), isOn: state == .on))
      }
    case .value(let value, _):
      guard let setting = value.setting else {
        mixedValues.append(value.variable)
        return
      }
      // A floating-point number cannot be set, so it stays what it is anyway.
      var bytes = value.holders.first?.bytes ?? []
      guard (try? value.whole.set(setting.text, in: &bytes)) != nil else { return }
      values.append(WantedState.Assignment(expression: value.variable, text: setting.text))
    }
  }
}

extension ValueIndex {
  /// All that its user configures: what programs write themselves, in .data and .bss, is not.
  public var configuration: [ValueMatch] {
    keys.map { .key($0) } + values.filter { $0.kind != .variable }.map { .value($0, .whole) }
  }

  /// What patterns for keys mean, but what programs write themselves only where it is named in full.
  ///
  /// - Throws: as `matches(for:)`.
  public func configuration(named patterns: [KeyPattern]) throws(StaticKeysError) -> [ValueMatch] {
    let inFull = Set(try matches(for: patterns.filter { !$0.key.isPattern }).map(\.name))
    return try matches(for: patterns).filter { match in
      if case .value(let value, _) = match, value.kind == .variable { return inFull.contains(match.name) }
      return true
    }
  }
}
