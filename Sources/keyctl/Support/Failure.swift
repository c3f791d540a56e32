// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StaticKeys
import SystemPackage

/// How an error reaches the user: a line, or a JSON object, on standard error and an exit status.
enum Failure {
  /// Tells the error and ends the process. Help, the version and completion scripts come this way too.
  static func exit(_ error: any Error, json: Bool, verbose: Bool) -> Never {
    if let error = error as? StaticKeysError { tell(error, json: json, verbose: verbose) }
    let status = Keyctl.exitCode(for: error)
    // Help and versions are no failures, and a bare status says it all.
    if status.isSuccess || error is ExitCode { Keyctl.exit(withError: error) }
    let code: StaticKeysError.Code = status == .validationFailure ? .usage : .file
    tell(StaticKeysError(code, Keyctl.message(for: error), advice: help(for: error)), json: json, verbose: verbose)
  }

  private static func tell(_ error: StaticKeysError, json: Bool, verbose: Bool) -> Never {
    // Nobody is left to tell if standard error is gone.
    if json {
      try? Output.write(json: ["error": ErrorView(error, withLog: verbose)], to: .standardError)
    } else {
      let log = error.verifierLog.map { verbose ? VerifierExcerpt.all($0) : VerifierExcerpt.telling($0) } ?? []
      // The whole log is below: no need to say how to get it.
      let told = verbose && error.verifierLog != nil ? error.withoutAdvice : error
      let line = "\(Invocation.name): \(told)".split(separator: "\n").joined(separator: " ")
      try? Output.write([line] + log, to: .standardError)
    }
    Keyctl.exit(withError: ExitCode(ExitStatus(error.code).rawValue))
  }

  /// Which help to look at, as the argument parser says in the last line of its message: "See '…' for more information."
  private static func help(for error: any Error) -> String? {
    let lines = Keyctl.fullMessage(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }
    guard let line = lines.last(where: { $0.hasPrefix("See '") }) else { return nil }
    return "see '\(line.dropFirst("See '".count).prefix { $0 != "'" })'"
  }
}

extension StaticKeysError {
  fileprivate var withoutAdvice: StaticKeysError { StaticKeysError(code, message, at: place, errno: errno) }
}

/// Lines of a verifier's log, indented to stand below the error.
enum VerifierExcerpt {
  private static let mostLines = 12

  /// The whole log.
  static func all(_ log: String) -> [String] { log.split(separator: "\n").map { "  \($0)" } }

  /// From the last line of C on to the end.
  static func telling(_ log: String) -> [String] {
    let lines = all(log)
    let start = lines.lastIndex { $0.hasPrefix("  ; ") } ?? lines.startIndex
    return Array(lines[start...].filter { !$0.hasPrefix("  processed ") }.suffix(mostLines))
  }
}

/// An error in JSON.
struct ErrorView: Encodable {
  let code: String
  let message: String
  let errno: OrNull<Int32>
  let advice: OrNull<String>
  let place: PlaceView
  let verifierLog: String?

  init(_ error: StaticKeysError, withLog: Bool) {
    code = error.code.rawValue
    message = error.message
    errno = OrNull(error.errno)
    advice = OrNull(error.advice)
    place = PlaceView(error.place)
    verifierLog = withLog ? error.verifierLog : nil
  }
}

/// A place in JSON: only what is known of it.
struct PlaceView: Encodable {
  let file: String?
  let line: Int?
  let section: String?
  let byte: UInt64?
  let program: String?
  let function: String?
  let insn: UInt32?
  let key: String?
  let source: String?

  init(_ place: Place) {
    file = place.file
    line = place.line
    section = place.section
    byte = place.byte?.rawValue
    program = place.program
    function = place.function
    insn = place.insn?.rawValue
    key = place.key
    source = place.source
  }
}
