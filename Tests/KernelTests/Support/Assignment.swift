// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import TestSupport

/// "NAME=VALUE", as tests write what is to be set.
struct Assignment {
  private let name: String
  private let value: String

  /// Without a "=" the value is empty.
  init(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    value = parts.count > 1 ? String(parts[1]) : ""
  }

  /// The wish that it be so in a collection.
  func wish(in collection: String) throws(StaticKeysError) -> Wish { try .value("\(collection)/\(name)", value) }

  /// What to load a program with.
  func initialValue() throws -> InitialValue {
    guard let pattern = ValuePattern(name) else { throw HarnessError("no value: \(name)") }
    return InitialValue(pattern, value)
  }
}

extension ValueIndex {
  /// What the one value that a name or path means in a collection is now; nil if programs have different ones.
  static func now(
    _ expression: String, in collection: String, of selector: ProgramSelector? = nil
  ) throws -> DecodedValue? {
    guard let pattern = ValuePattern("\(collection)/\(expression)") else {
      throw HarnessError("no pattern: \(expression)")
    }
    let found = try ValueIndex(of: Inventory.current(), in: selector).matches(for: pattern)
    guard found.count == 1, case .value(let value, let path)? = found.first else {
      throw HarnessError("\(found.count) values are called \(expression)")
    }
    return try value.value(at: path)
  }
}
