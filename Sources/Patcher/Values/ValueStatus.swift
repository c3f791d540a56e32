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
  /// Its bytes, at each place there is, and what they mean there; never empty.
  let holders: [ValueHolder]

  /// "collection/variable".
  public var name: String { "\(collection)/\(variable)" }

  /// Its C type; where the collection's objects disagree, that of one of them.
  public var type: ValueType { holders[0].type }

  /// The ELF section it comes from, and where in it, for messages.
  public var origin: String { holders[0].origin.description }

  /// The value that its author gave it, where that is known: that of an immediate.
  public var defaultValue: DecodedValue? { holders.common(\.defaultValue) }

  /// The programs that have it, by id.
  public var programs: [ManagedProgram] {
    Dictionary(holders.flatMap(\.programs).map { ($0.id, $0) }) { $1 }.values.sorted { $0.id < $1.id }
  }

  /// Tells it from another of the same name.
  var identity: ValueIdentity { ValueIdentity(name: name, place: holders[0].place) }

  /// How C declares it, or the part that a path leads to, in each of the ways in which the collection's objects do.
  ///
  /// - Throws: `.notFound` for a path that leads nowhere.
  public func declaration(at path: ValuePath = .whole) throws(StaticKeysError) -> String {
    var declarations: [String] = []
    for (_, part) in try parts(at: path) where !declarations.contains(part.declaration) {
      declarations.append(part.declaration)
    }
    return declarations.joined(separator: " or ")
  }

  /// What it, or the part that a path leads to, is now; nil if it is not the same everywhere.
  ///
  /// - Parameter limit: how many numbers, arrays and structs to read at most.
  /// - Throws: `.notFound` for a path that leads nowhere.
  public func value(at path: ValuePath = .whole, limit: Int = 1 << 20) throws(StaticKeysError) -> DecodedValue? {
    try parts(at: path).common { holder, part in part.value(in: holder.bytes, limit: limit) }
  }

  /// The part that a path leads to, at each place by the type that the variable has there.
  func parts(at path: ValuePath) throws(StaticKeysError) -> [(holder: ValueHolder, part: ValueLocation)] {
    try forEachHolder { holder throws(StaticKeysError) in (holder, try part(path, in: holder)) }
  }

  func part(_ path: ValuePath, in holder: ValueHolder) throws(StaticKeysError) -> ValueLocation {
    try ValueLocation(whole: holder.type, named: variable).part(path)
  }

  /// Calls `body` with each place.
  ///
  /// - Throws: what `body` throws; where that is not the same for all places, with the programs it is about.
  @discardableResult
  func forEachHolder<Result>(
    _ body: (ValueHolder) throws(StaticKeysError) -> Result
  ) throws(StaticKeysError) -> [Result] {
    var results: [Result] = []
    var errors: [StaticKeysError] = []
    var located: [StaticKeysError] = []
    for holder in holders {
      do throws(StaticKeysError) {
        results.append(try body(holder))
      } catch {
        errors.append(error)
        located.append(holder.programs.first.map { error.located(at: $0.place) } ?? error)
      }
    }
    if errors.count == holders.count, let error = errors.first, Set(errors).count == 1 { throw error }
    if let error = StaticKeysError(all: located) { throw error }
    return results
  }

  /// Whether `enable` and `disable` take it: a truth value that programs were verified with.
  public var isSwitch: Bool { (kind == .constant || kind == .immediate) && holders.allSatisfy(\.type.isBoolean) }

  /// The state of such a switch.
  public var switchState: KeyStatus.State {
    switch try? value() {
    case .boolean(let isOn)?: isOn ? .on : .off
    case .integer?: .on
    default: .mixed
    }
  }

  /// What of it can be set, at each place there is.
  var settings: Set<DecodedValue?> { Set(holders.map { $0.setting(named: variable) }) }

  /// The name and the text that `set` would take to make it what it is now, also in another build of the program; nil
  /// where it is not the same everywhere, and where nothing of it can be set.
  public var setting: (name: String, text: String)? {
    let settings = settings
    guard settings.count == 1, let only = settings.first else { return nil }
    return only.map { (name, $0.description) }
  }
}

/// Tells apart what one collection has several of under a name.
struct ValueIdentity: Hashable {
  let name: String
  /// The first of a value's places; a static key has none.
  let place: ValueHolder.Place?
}

/// A place that has a value's bytes, and their type there.
struct ValueHolder: Sendable {
  enum Place: Hashable, Sendable {
    /// A map, and the byte of its value at which the variable starts.
    case map(UInt32, offset: Int)
    /// The immediates of a program.
    case program(UInt32, StaticImmediate)
  }

  /// Where the object has it.
  struct Origin: Hashable, Comparable, CustomStringConvertible, Sendable {
    let section: String
    let offset: Int

    /// That of constants that no section holds.
    static let immediate = Origin(section: "immediate", offset: 0)

    static func < (a: Self, b: Self) -> Bool { (a.section, a.offset) < (b.section, b.offset) }

    var description: String { self == .immediate ? section : "\(section)+\(offset)" }
  }

  let place: Place
  let origin: Origin
  let type: ValueType
  let bytes: [UInt8]
  /// By id.
  let programs: [ManagedProgram]
  var defaultValue: DecodedValue?

  fileprivate func setting(named name: String) -> DecodedValue? {
    let whole = ValueLocation(whole: type, named: name)
    guard let setting = whole.value(in: bytes).settable else { return nil }
    // A truth value that is neither 0 nor 1 is shown as the number it is, which its type does not take.
    var bytes = bytes
    return (try? whole.set(setting.description, in: &bytes)) == nil ? nil : setting
  }
}

extension Collection {
  /// What `value` is for all elements; nil if it is not the same for all.
  func common<Value: Hashable>(_ value: (Element) -> Value?) -> Value? {
    let values = Set(map(value))
    return values.count == 1 ? values.first ?? nil : nil
  }
}
