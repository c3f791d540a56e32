// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

extension KernelTests {
  /// The example of many endpoints, with few of them.
  @Suite(.serialized, .requiresRoot, .requiresCompiler, .requires(kernel: "6.6", for: "tcx links"), .censused)
  struct Endpoints {
    private static let example = Fixture.packageRoot + "/Examples/endpoints"

    @Test("the demonstration goes through, and leaves nothing", .requires(tool: "ping"))
    func demonstration() throws {
      let folder = URL(fileURLWithPath: try Tools.built("keyctl")).deletingLastPathComponent().path
      let result = try run(
        [Self.example + "/demo.sh"], environment: ["BIN": folder, "COUNT": "6"], timeout: .seconds(120)
      ).checked()
      #expect(result.stdout.contains("6 endpoints, each in a network namespace of its own"))
      #expect(result.stdout.contains("\"from\":[10,66,5,2]"), "the last one reports")
      #expect(try !run(["ip", "netns", "list"]).checked().stdout.contains("endpoints-"))
    }

    @Test("the benchmark measures what it says, and leaves nothing")
    func benchmark() throws {
      let arguments = [Self.example + "/endpoint.bpf", Fixture.packageRoot + "/include"]
      let bench = [try Tools.built("bench-endpoints")] + arguments
      let printed = try run(bench + ["2", "3"], environment: ["CLANG": "clang-19"], timeout: .seconds(120)).checked()
        .stdout
      for count in [2, 3] {
        #expect(printed.contains("\n\(count) endpoints, a tcx link on a veth each:"))
        #expect(printed.contains("clang and load for each (one × \(count))"))
      }
      #expect(try !run(["ip", "netns", "list"]).checked().stdout.contains("bench-endpoints-"))
      let usage = try run(bench + ["none"])
      #expect(usage.status == 1 && usage.stderr.contains("usage: bench-endpoints EXAMPLE INCLUDE [COUNT…]"))
    }
  }
}
