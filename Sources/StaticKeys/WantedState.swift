// SPDX-License-Identifier: Apache-2.0

/// What is wanted of many keys and values at once, or what they are: as a file says it.
public struct WantedState: Hashable, Sendable {
  /// By collection, in the file's order: of what contradicts each other, the later wins.
  public var collections: [Collection]

  /// A state; the empty one wants nothing.
  public init(collections: [Collection] = []) { self.collections = collections }

  /// What is wanted of the collections of one name.
  public struct Collection: Hashable, Sendable {
    /// Which collections.
    public var name: Glob
    /// Their keys, in the file's order.
    public var keys: [Setting]
    /// Keys that are on in some programs and off in others: no value stands for that, so they are left as they are.
    public var mixed: [KeyName]
    /// Its values, in the file's order.
    public var values: [Assignment]
    /// Values that programs have differently, by name: they are left as they are.
    public var mixedValues: [String]
    /// What nobody can set, by name, such as pointers and floating-point numbers: they are left as they are.
    public var unsettable: [String]

    /// What is wanted of a collection.
    public init(
      name: Glob, keys: [Setting] = [], mixed: [KeyName] = [], values: [Assignment] = [], mixedValues: [String] = [],
      unsettable: [String] = []
    ) {
      self.name = name
      self.keys = keys
      self.mixed = mixed
      self.values = values
      self.mixedValues = mixedValues
      self.unsettable = unsettable
    }
  }

  /// The value that is wanted of keys.
  public struct Setting: Hashable, Sendable {
    /// Which keys.
    public var keys: Glob
    /// Whether they are to be on.
    public var isOn: Bool
    /// The line of the file that says so.
    public var line: Int?

    /// A value for keys.
    public init(keys: Glob, isOn: Bool, line: Int? = nil) {
      self.keys = keys
      self.isOn = isOn
      self.line = line
    }
  }

  /// What values are to be.
  public struct Assignment: Hashable, Sendable {
    /// Which values, with a path into them: "limits.rate[2]".
    public var expression: String
    /// The value, as `keyctl set` takes it.
    public var text: String
    /// The line of the file that says so.
    public var line: Int?

    /// A value for values.
    public init(expression: String, text: String, line: Int? = nil) {
      self.expression = expression
      self.text = text
      self.line = line
    }
  }
}
