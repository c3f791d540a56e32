// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A way to make new key values real in a running program.
public protocol Engine: Sendable {
  /// The engine's name, as `--engine` takes it.
  var kind: EngineKind { get }

  /// Does everything that can fail without changing anything that runs.
  ///
  /// - Throws: `.verifier` where the new state is refused, `.unsupported` for a hook that cannot be served,
  ///   `.changedMeanwhile` if the program is gone, `.permission`, `.kernel`.
  func prepare(_ plan: ProgramPlan, of program: ManagedProgram) throws(StaticKeysError) -> any PreparedChange
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

/// A change of one program that only needs to be put in force.
public protocol PreparedChange: AnyObject, Sendable {
  /// Puts the change in force everywhere or, if it throws, nowhere; `.partlyApplied` says that going back failed too.
  func commit() throws(StaticKeysError)

  /// Takes a committed change back.
  func revert() throws(StaticKeysError)

  /// The kernel's id of the program once the change is in force.
  var programID: UInt32 { get }

  /// Where the change was put in force, for people.
  var places: [String] { get }
}
