// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A running program that carries its template: everything about it comes from the kernel.
public struct ManagedProgram: Sendable {
  /// The kernel's id.
  public let id: UInt32
  /// The kernel's tag, a hash of the instructions, in hex.
  public let tag: String
  /// The id of the program's BTF; 0 if it has none.
  public let btfID: UInt32
  /// The ids of all maps that the program holds, the template's and the instance's among them.
  public let mapIDs: [UInt32]
  /// The map with the template.
  public let templateMapID: UInt32
  /// The map with the instance.
  public let instanceMapID: UInt32
  /// What the program was made from.
  public let template: ProgramTemplate
  /// Its collection, maps and the key values it has now.
  public let instance: ProgramInstance
  /// The state of each site now: in native form as the kernel tells, in pair form as it was loaded.
  public let states: SiteStates

  /// A key's value now; nil if the program does not have it or its sites disagree.
  public func value(of key: KeyName) -> Bool? { template.values(in: states)[key] }

  /// Its C name in full.
  public var name: String { template.name }

  /// "collection/name", or "collection[instance]/name".
  public var qualifiedName: String { "\(instance.qualifiedCollection)/\(name)" }

  /// Where it is, for messages.
  public var place: Place { Place(program: "\(qualifiedName) (id \(id))") }
}

/// A program whose template or instance cannot be used, and why.
public struct UnreadableProgram: Sendable {
  /// The kernel's id.
  public let id: UInt32
  /// What is wrong with it.
  public let error: StaticKeysError
}

/// All programs with a template that ran at one moment.
public struct Inventory: Sendable {
  /// Those that can be used, by id.
  public internal(set) var programs: [ManagedProgram]
  /// Those that cannot.
  public let unreadable: [UnreadableProgram]
}
