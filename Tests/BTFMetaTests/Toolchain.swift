// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Runs the compilers and tools that the package's users have.
enum Toolchain {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What a tool wrote to its standard output; throws what it wrote to its standard error if it fails.
  @discardableResult
  static func run(_ tool: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    // bpftool lies where only root's PATH leads.
    process.environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    try process.run()
    let text = out.fileHandleForReading.readDataToEndOfFile()
    let complaint = err.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(tool) failed: \(String(decoding: complaint, as: UTF8.self))")
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Assembles BPF assembly into an object.
  static func assemble(_ source: String, target: String = "bpf") throws -> [UInt8] {
    try build(source, named: "object.s", ["--target=\(target)"])
  }

  /// Compiles C with the fixtures' flags; `-g` unless other flags are given.
  static func compile(_ source: String, _ flags: [String] = ["-g"]) throws -> [UInt8] {
    try build(source, named: "object.bpf.c", ["--target=bpf", "-O2"] + flags)
  }

  private static func build(_ source: String, named name: String, _ flags: [String]) throws -> [UInt8] {
    try TemporaryFolder.with { folder in
      try folder.write(Array(source.utf8), name)
      try run("clang-14", flags + ["-c", folder.path(name).string, "-o", folder.path("object.o").string])
      return try folder.read("object.o")
    }
  }
}

/// A folder that lasts as long as a test needs it.
struct TemporaryFolder {
  let url: URL

  static func with<T>(_ body: (TemporaryFolder) throws -> T) throws -> T {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("btfmeta-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(TemporaryFolder(url: url))
  }

  func path(_ name: String) -> FilePath { FilePath(url.appendingPathComponent(name).path) }

  func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: url.appendingPathComponent(name))
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url.appendingPathComponent(name)))
  }

  /// The names of all that is in it.
  func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
}
