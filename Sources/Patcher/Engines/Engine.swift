// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A way to make new key values real in a running program.
protocol Engine: Sendable {
  /// The engine's name, as `--engine` takes it.
  var kind: EngineKind { get }

  /// Does everything that can fail without changing anything that runs.
  ///
  /// - Throws: `.verifier` where the new state is refused, `.unsupported` for a hook that cannot be served,
  ///   `.changedMeanwhile` if the program is gone, `.permission`, `.kernel`.
  func prepare(_ work: ProgramWork) throws(StaticKeysError) -> any PreparedChange
}

/// The engines there are.
public enum EngineKind: String, Sendable, CaseIterable {
  /// Changes the running program's sites: kernels with the proposed interface, programs loaded in native form.
  case patch
  /// Loads a variant of the program and puts it in the old one's place: any kernel from Linux 5.10.
  case reload
}

/// Which engine a user wants.
public enum EngineChoice: String, Sendable, CaseIterable {
  /// `patch` where the kernel and the program's form allow it, else `reload`.
  case auto
  /// `patch` or an error.
  case patch
  /// `reload`, even where `patch` would do.
  case reload
}

/// A step of a transaction: a change that only needs to be put in force.
protocol TransactionStep: AnyObject, Sendable {
  /// Puts the change in force; where it throws, it may be in force at some places.
  func commit() throws(StaticKeysError)

  /// Takes back whatever is in force. Where it throws, it has tried everywhere.
  func revert() throws(StaticKeysError)

  /// What is in force now, for people: nothing before the change and after it was taken back.
  var standing: [String] { get }
}

/// A change of one program that only needs to be put in force.
protocol PreparedChange: TransactionStep {
  /// The kernel's id of the program once the change is in force.
  var programID: UInt32 { get }

  /// Where the change was put in force, for people.
  var places: [String] { get }
}
