// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// The exit codes, as `help` documents them.
enum ExitStatus: Int32 {
  case done = 0
  case failed = 1
  case mixed = 2
  case unsupported = 3
  case notFound = 4
  case permission = 5
  case partlyApplied = 6
  case usage = 64

  /// The code that an error ends the command with.
  init(_ error: StaticKeysError) {
    self =
      switch error.code {
      case .unsupported: .unsupported
      case .notFound: .notFound
      case .permission: .permission
      case .partlyApplied: .partlyApplied
      case .usage: .usage
      default: .failed
      }
  }
}
