// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher

struct Probe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what this kernel offers, and which engine a flip would use.")

  @OptionGroup var output: OutputOptions

  private struct Report: Encodable {
    struct Feature: Encodable {
      let name: String
      let purpose: String
      /// null: could not tell
      let available: Bool?
      let reason: String
    }
    let features: [Feature]
    let engine: String?
    let engine_reason: String
  }

  func run() throws {
    let features = KernelFeatures()
    if output.json {
      let list = features.all.map {
        Report.Feature(
          name: $0.name, purpose: $0.purpose, available: $0.answer == .unknown ? nil : $0.answer == .yes,
          reason: $0.reason)
      }
      print(
        JSON.text(Report(features: list, engine: features.engine?.rawValue, engine_reason: features.engineReason)))
    } else {
      let rows = features.all.map { [$0.name, $0.answer.rawValue, $0.reason, $0.purpose] }
      Table.lines([["FEATURE", "ANSWER", "REASON", "FOR"]] + rows).forEach { print($0) }
      print("engine: \(features.engine?.rawValue ?? "none") (\(features.engineReason))")
    }
  }
}
