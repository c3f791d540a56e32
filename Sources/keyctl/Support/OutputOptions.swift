// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// How every command prints.
struct OutputOptions: ParsableArguments {
  @Flag(name: [.customShort("j"), .customLong("json")], help: "Print JSON, errors too (field names: docs/json.md).")
  var json = false

  @Flag(name: .shortAndLong, help: "Show the verifier's whole log where it refuses a program.")
  var verbose = false

  /// Prints a result as JSON, or else the lines of its text.
  func print(_ view: some Encodable, lines: @autoclosure () throws -> [String]) throws {
    if json { try Output.print(json: view) } else { try Output.print(try lines()) }
  }
}

/// How a command prints that does something.
struct ActionOptions: ParsableArguments {
  @OptionGroup var output: OutputOptions

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  /// Prints what was done, unless that is not wanted.
  func print(_ view: some Encodable, lines: @autoclosure () throws -> [String]) throws {
    if !quiet { try output.print(view, lines: try lines()) }
  }

  /// Tells on standard error of programs that are not flipped in place since the kernel refuses what it could patch.
  func warn(ofRefusals refusals: [StaticKeysError?]) throws {
    var told: [StaticKeysError] = []
    // Of many instances most are refused for the same reason.
    for refusal in refusals.compactMap(\.self) where !told.contains(where: { $0.message == refusal.message }) {
      told.append(refusal)
    }
    guard !quiet else { return }
    try Output.warn(of: told.map(\.asReasonToReload), json: output.json)
  }

  /// Runs work that may take long, with its progress on the terminal.
  func showingProgress<R>(_ body: (_ system: BPFSystem) throws -> R) rethrows -> R {
    try ProgressLine.during(shown: !quiet && !output.json, body)
  }
}

extension StaticKeysError {
  fileprivate var asReasonToReload: StaticKeysError {
    StaticKeysError(
      code, "keys will be flipped by reload, for the form to be flipped in place is refused: \(message)", at: place,
      errno: errno, advice: "--engine patch makes that an error")
  }
}

/// A command, by the options that tell how to show its failure.
protocol Verb: ParsableCommand {
  var outputOptions: OutputOptions { get }
}
