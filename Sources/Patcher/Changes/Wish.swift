// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// What to do with keys.
public enum KeyAction: String, Sendable {
  /// Turn on; nothing to do where it is on.
  case enable
  /// Turn off; nothing to do where it is off.
  case disable
  /// Turn on what is off, and off what is on.
  case toggle
}

/// One thing that a user wants of running programs; of several that touch the same, the later one wins.
public enum Wish: Hashable, Sendable {
  /// Of all keys that match.
  case key(KeyPattern, KeyAction)
  /// That values, or parts of them, be what a text says.
  case value(ValuePattern, String)

  /// What `ValueStatus.setting` gives, wished for: a name or pattern such as "flowmon/limits.rate[2]" and a text.
  ///
  /// - Throws: `.usage` for a name that is none.
  public static func value(_ name: String, _ text: String) throws(StaticKeysError) -> Wish {
    guard let pattern = ValuePattern(name) else {
      throw StaticKeysError(.usage, "'\(name)' names no value", advice: "write [COLLECTION/]NAME")
    }
    return .value(pattern, text)
  }
}
