// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// How the command ends: the one place that knows what each status means.
enum ExitStatus: Int32, CaseIterable {
  case done = 0
  case failed = 1
  case mixed = 2
  case unsupported = 3
  case notFound = 4
  case permission = 5
  case partlyApplied = 6
  case usage = 64
  case output = 74

  /// The status for a failure. Whatever is not listed changed nothing and has no status of its own: among them
  /// ambiguous names, which are no matter of syntax but of what is loaded.
  init(_ code: StaticKeysError.Code) {
    self =
      switch code {
      case .unsupported: .unsupported
      case .notFound: .notFound
      case .permission: .permission
      case .partlyApplied: .partlyApplied
      case .usage: .usage
      case .output: .output
      default: .failed
      }
  }

  /// What it means, in the words of the help.
  private var meaning: String {
    switch self {
    case .done: "done, or already so; is-enabled: on"
    case .failed: "failed, nothing was changed; is-enabled: off"
    case .mixed: "is-enabled, save: on in some programs, off in others"
    case .unsupported: "this kernel, or what a program hangs on, does not allow it"
    case .notFound: "no such key, value, program or collection"
    case .permission: "no permission; the message names the missing capability"
    case .partlyApplied: "only some of the programs were changed"
    case .usage: "the command line makes no sense"
    case .output: "done, but the result could not be written"
    }
  }

  /// The table for the help, a line each.
  static var table: String {
    allCases.map { status in
      let number = String(status.rawValue)
      return String(repeating: " ", count: 4 - number.count) + number + "  " + status.meaning
    }.joined(separator: "\n")
  }
}
