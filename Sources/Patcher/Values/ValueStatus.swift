// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Where a value sits, which decides how it changes.
public enum ValueKind: String, Sendable, CaseIterable {
  /// A static key: in its sites.
  case key
  /// A `static_const()`: in the immediates of instructions; a change loads the programs again.
  case immediate
  /// A `const volatile` variable: in a frozen map; a change makes a new one and loads the programs again.
  case constant
  /// A variable of .data or .bss: in a map, changed in place.
  case variable
}

/// A value of a collection as it stands over all the programs that have it.
public struct ValueStatus: Sendable {
  /// The name under which the object was loaded.
  public let collection: String
  /// The variable's name; a function's static variable is called `function.variable`.
  public let variable: String
  /// Where it sits: never `.key`.
  public let kind: ValueKind
  /// Its C type.
  public let type: ValueType
  /// The ELF section it comes from, and where in it, for messages.
  public let origin: String
  /// The value that its author gave it, where that is known: that of an immediate.
  public let defaultValue: DecodedValue?
  /// The programs that have it, by id.
  public let programs: [ManagedProgram]
  /// Its bytes, at each place there is.
  let holders: [ValueHolder]

  /// "collection/variable".
  public var name: String { "\(collection)/\(variable)" }

  /// The whole of it as a place to look into.
  public var whole: ValueLocation { ValueLocation(whole: type, named: variable) }

  /// Whether the programs have different values.
  public var isMixed: Bool { Set(holders.map(\.bytes)).count > 1 }

  /// What it, or the part that a path leads to, is now; nil if it is not the same everywhere.
  ///
  /// - Parameter limit: how many numbers, arrays and structs to read at most.
  /// - Throws: `.notFound` for a path that leads nowhere.
  public func value(at path: ValuePath = .whole, limit: Int = 1 << 20) throws(StaticKeysError) -> DecodedValue? {
    let place = try whole.part(path)
    let values = Set(holders.map { place.value(in: $0.bytes, limit: limit) })
    return values.count == 1 ? values.first : nil
  }

  /// Whether `enable` and `disable` take it: a truth value that programs were verified with.
  public var isSwitch: Bool { type.isBoolean && (kind == .constant || kind == .immediate) }

  /// The state of such a switch.
  public var switchState: KeyStatus.State {
    switch try? value() {
    case .boolean(let isOn)?: isOn ? .on : .off
    case .integer?: .on
    default: .mixed
    }
  }

  /// The name and the text that `set` would take to make it what it is now; nil where it is not the same everywhere.
  public var setting: (name: String, text: String)? {
    (try? value()).flatMap { $0 }.map { (name, $0.description) }
  }
}

/// A place that has a value's bytes.
struct ValueHolder: Sendable {
  enum Place: Hashable, Sendable {
    /// A map, and the byte of its value at which the variable starts.
    case map(UInt32, offset: Int)
    /// The immediates of a program.
    case program(UInt32)
  }

  let place: Place
  let bytes: [UInt8]
}
