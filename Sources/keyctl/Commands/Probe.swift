// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher

/// `probe`
struct Probe: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Tell what this kernel offers and which engine would be used.",
    discussion: "Without privilege it tells what it can; the rest is 'could not tell'.")

  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  private struct View: Encodable {
    let features: [Feature]
    let engine: OrNull<String>
    let engineReason: String
  }

  private struct Feature: Encodable {
    let name: String
    let purpose: String
    /// Unknown where it could not be found out.
    let available: OrNull<Bool>
    let reason: String

    init(_ feature: KernelFeature) {
      name = feature.name
      purpose = feature.purpose
      available = OrNull([.yes: true, .no: false][feature.answer])
      reason = feature.reason
    }
  }

  func run() throws {
    let features = KernelFeatures()
    let view = View(
      features: features.all.map(Feature.init), engine: OrNull(features.engine?.rawValue),
      engineReason: features.engineReason)
    let table = TextTable(
      "FEATURE", "ANSWER", "WHY", "FOR",
      rows: features.all.map { [$0.name, $0.answer.rawValue, $0.reason, $0.purpose] })
    let engine = "engine: \(features.engine?.rawValue ?? "none") (\(features.engineReason))"
    try output.print(view, lines: table.lines + [engine])
  }
}
