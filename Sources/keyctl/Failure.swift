// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StaticKeys

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How the command ends when something is wrong: one line on stderr, or an object under --json, and the exit code.
enum Failure {
  /// What errors look like under --json.
  private struct Report: Encodable {
    struct Body: Encodable {
      let code: String
      let message: String
      let errno: Int32?
      let advice: String?
      let place: PlaceReport?
      let verifier_log: String?
    }
    let error: Body
  }

  private struct PlaceReport: Encodable {
    let file: String?
    let section: String?
    let program: String?
    let function: String?
    let insn: UInt32?
    let key: String?
    let source: String?

    init?(_ place: Place) {
      if place.isEmpty { return nil }
      file = place.file
      section = place.section
      program = place.program
      function = place.function
      insn = place.insn?.rawValue
      key = place.key
      source = place.source
    }
  }

  static func exit(_ error: any Error, arguments: [String]) -> Never {
    let options = Set(arguments.prefix { $0 != "--" })
    let json = options.contains("--json") || options.contains("-j")
    let verbose = options.contains("--verbose") || options.contains("-v")
    switch error {
    case let error as StaticKeysError:
      report(error, json: json, verbose: verbose)
      exit(status: ExitStatus(error))
    case let code as ExitCode:
      Glibc.exit(code.rawValue)
    default:
      let code = Keyctl.exitCode(for: error)
      guard json, !code.isSuccess else { Keyctl.exit(withError: error) }
      report(StaticKeysError(.usage, Keyctl.message(for: error)), json: true, verbose: false)
      exit(status: .usage)
    }
  }

  /// Ends the command with a line of its own.
  static func exit(message: String, status: ExitStatus) -> Never {
    standardError("\(InvocationName.current): \(message)")
    exit(status: status)
  }

  private static func exit(status: ExitStatus) -> Never { Glibc.exit(status.rawValue) }

  private static func report(_ error: StaticKeysError, json: Bool, verbose: Bool) {
    if json {
      let body = Report.Body(
        code: error.code.rawValue, message: error.message, errno: error.errno, advice: error.advice,
        place: PlaceReport(error.place), verifier_log: verbose ? error.verifierLog : nil)
      standardError(JSON.text(Report(error: body)))
    } else {
      standardError("\(InvocationName.current): \(error)")
      if verbose, let log = error.verifierLog { standardError(log) }
    }
  }
}
