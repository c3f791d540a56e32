// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// One of many programs that are to be made of one template: its name, its values and its hooks.
public struct InstanceSpec: Sendable {
  /// By which it is known among the collection's instances: letters, digits, `_` and `-`.
  public var name: String
  /// Values of keys that differ from their default; patterns in order, later ones win.
  public var settings: [(keys: Glob, value: Bool)]
  /// First values of keys, constants and variables, as `set` takes them; they come after `settings`.
  public var values: [InitialValue]
  /// Where its programs go.
  public var attach: [AttachRequest]

  /// An instance of this name.
  public init(
    name: String, settings: [(keys: Glob, value: Bool)] = [], values: [InitialValue] = [], attach: [AttachRequest] = []
  ) {
    self.name = name
    self.settings = settings
    self.values = values
    self.attach = attach
  }
}
