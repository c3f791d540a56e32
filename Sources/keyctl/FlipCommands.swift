// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// What `enable`, `disable` and `toggle` have in common.
struct FlipOptions: ParsableArguments {
  @Argument(help: "[COLLECTION/]KEY; * and ? match.", completion: Completion.keys)
  var key: [KeyPattern]

  @OptionGroup var selector: SelectorOptions

  @Flag(name: [.customShort("n"), .long], help: "Load and verify what would run, show the plan, change nothing.")
  var dryRun = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  @OptionGroup var output: OutputOptions

  /// Flips, and tells what was done.
  func run(_ action: KeyAction) throws {
    let report = try KeyFlipper().flip(action, key, in: selector.program, dryRun: dryRun)
    if output.json {
      print(JSON.text(FlipReportJSON(report, dryRun: dryRun)))
    } else if !quiet {
      report.lines(dryRun: dryRun).forEach { print($0) }
    }
    guard report.stillHeld.isEmpty else {
      throw StaticKeysError(
        .partlyApplied,
        "still running in the old state: program \(report.stillHeld.map(String.init).joined(separator: ", "))",
        advice: "something keyctl does not see holds it (a tc filter, XDP set by netlink, an old-style cgroup "
          + "attachment, an open descriptor): see 'bpftool net' and 'bpftool prog'")
    }
  }
}

struct Enable: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Turn keys on.")
  @OptionGroup var options: FlipOptions
  func run() throws { try options.run(.enable) }
}

struct Disable: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Turn keys off.")
  @OptionGroup var options: FlipOptions
  func run() throws { try options.run(.disable) }
}

struct Toggle: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Turn on the keys that are off, and off those that are on.")
  @OptionGroup var options: FlipOptions
  func run() throws { try options.run(.toggle) }
}
