// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A key's change over all of its programs, or that of a constant that is a truth value.
public struct KeyChange: Sendable {
  /// What it is.
  public var kind = ValueKind.key
  /// "collection/key".
  public let name: String
  /// Before.
  public let from: KeyStatus.State
  /// After.
  public let to: KeyStatus.State
  /// The programs for which it changes, by their ids before.
  public let programs: Set<UInt32>
}

/// A value's change, or that of a part of it.
public struct ValueChange: Sendable {
  /// "collection/name.path".
  public let name: String
  /// Where it sits.
  public let kind: ValueKind
  /// How C declares it.
  public let declaration: String
  /// Before; nil if it was not the same everywhere.
  public let from: DecodedValue?
  /// After; nil if it is still not the same everywhere, as where a member of structs that differ was set.
  public let to: DecodedValue?
  /// The programs for which it changes, by their ids before.
  public let programs: Set<UInt32>

  /// Whether anything changes.
  public var isChange: Bool { !programs.isEmpty }
}

/// One program's part in a change.
public struct ProgramChange: Sendable {
  /// What changes.
  public let plan: ProgramPlan
  /// How.
  public let engine: EngineKind
  /// The kernel's id afterwards: another one where the program was replaced.
  public let newID: UInt32
  /// Where the change was put in force.
  public let places: [String]
}

/// What a change did, or would do.
public struct ChangeReport: Sendable {
  /// The keys asked for, also those that were as wanted already.
  public let keys: [KeyChange]
  /// The values asked for, also those that were as wanted already.
  public let values: [ValueChange]
  /// The programs changed.
  public let programs: [ProgramChange]
  /// The time from the first load to the last replacement.
  public let duration: Duration
  /// Programs that still run in their old state, since something holds them that keyctl does not see.
  public let stillHeld: [UInt32]
}
