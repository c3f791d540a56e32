// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// `gc`
struct GC: Verb {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Remove what killed commands and vanished devices left.",
    discussion: """
      That is: directories of loads that were not completed, collections without a program, pinned links whose device \
      or cgroup is gone, instances all of whose links are so and whose programs hang nowhere else, and pins PATH__new \
      of a program, tracing link or map beside PATH. Nothing else is touched, and no hook loses its program. Other \
      commands need none of this: they find their way past it, and complete what they can.
      """)

  @Flag(
    name: [.customShort("n"), .customLong("dry-run")],
    help: "Tell what would be removed or completed, and change nothing.")
  var dryRun = false

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  private struct View: Encodable {
    struct Item: Encodable {
      let path: String
      let reason: String
    }

    let dryRun: Bool
    let removed: [Item]
    let completed: [String]
  }

  func run() throws {
    let report = try action.showingProgress { system in
      try GarbageCollector(system: system).collect(dryRun: dryRun)
    }
    let view = View(
      dryRun: dryRun, removed: report.removed.map { View.Item(path: $0.path.string, reason: $0.reason) },
      completed: report.completed.map(\.string))
    let lines =
      view.completed.map { "\(dryRun ? "would complete" : "completed") \($0)" }
      + view.removed.map { "\(dryRun ? "would remove" : "removed") \($0.path): \($0.reason)" }
    try action.print(view, lines: lines.isEmpty ? ["nothing to remove"] : lines)
  }
}
