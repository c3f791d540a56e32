// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A network namespace with as many devices as there are endpoints: both ends of veth pairs. It goes with this.
final class Devices {
  let namespace = "bench-endpoints-\(getpid())"

  init(_ count: Int) throws {
    try Self.ip(["netns", "add", namespace])
    let pairs = (0..<(count + 1) / 2).map { "link add \(name($0 * 2)) type veth peer name \(name($0 * 2 + 1))" }
    try Self.ip(["-n", namespace, "-batch", "-"], input: pairs.joined(separator: "\n") + "\n")
  }

  deinit { try? Self.ip(["netns", "del", namespace]) }

  /// The device of an endpoint.
  func name(_ index: Int) -> String { "ep\(index)" }

  private static func ip(_ arguments: [String], input: String = "") throws {
    let ip = Process()
    ip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    ip.arguments = ["ip"] + arguments
    let pipe = Pipe()
    ip.standardInput = pipe
    try ip.run()
    try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try pipe.fileHandleForWriting.close()
    ip.waitUntilExit()
    guard ip.terminationStatus == 0 else { throw BenchError("ip \(arguments.joined(separator: " ")) failed") }
  }
}
