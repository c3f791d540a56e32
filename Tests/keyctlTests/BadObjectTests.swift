// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Files that are no good objects: one line that names the file, status 1, and no output file.
@Suite struct BadObjectTests {
  enum Fault: String, CaseIterable, Sendable {
    case empty, text, truncatedHeader, truncated, otherMachine, folder
  }

  private func file(_ fault: Fault, in folder: TemporaryFolder) throws -> String {
    let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixture.object("four", clang: 19))))
    switch fault {
    case .empty: return try folder.write([], to: "empty.o")
    case .text: return try folder.write(Array("no object\n".utf8), to: "text.o")
    case .truncatedHeader: return try folder.write(Array(good.prefix(20)), to: "header.o")
    case .truncated: return try folder.write(Array(good.prefix(good.count / 2)), to: "half.o")
    case .otherMachine: return try Tools.built("keyctl")
    case .folder: return folder.path
    }
  }

  private static let codes: [Fault: String] = [
    .empty: "not_bpf_object", .text: "not_bpf_object", .truncatedHeader: "malformed", .truncated: "malformed",
    .otherMachine: "not_bpf_object", .folder: "file",
  ]

  @Test(arguments: ["inspect", "annotate"], Fault.allCases)
  func refused(verb: String, fault: Fault) throws {
    let folder = try TemporaryFolder()
    let path = try file(fault, in: folder)
    let output = folder.file("output.o")
    let options = verb == "annotate" ? ["-o", output] : []
    let result = try run([Tools.built("keyctl"), verb, path] + options)
    #expect(result.status == 1 && result.stdout == "", "\(result)")
    #expect(result.stderr.hasPrefix("keyctl: \(path)"), "\(result)")
    #expect(result.stderr.split(separator: "\n").count == 1, "\(result)")
    let json = try run([Tools.built("keyctl"), verb, path, "--json"] + options)
    #expect(json.status == 1)
    let error = try JSON(parsing: json.stderr)["error"]
    #expect(error?["code"]?.string == Self.codes[fault], "\(json)")
    #expect(error?["place"]?["file"]?.string == path)
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test("annotate writes to -o, leaves its input, and replaces in place without it")
  func destinations() throws {
    let folder = try TemporaryFolder()
    let good = try Data(contentsOf: URL(fileURLWithPath: Fixture.object("four", clang: 14)))
    let input = try folder.write([UInt8](good), to: "in.o")
    let output = folder.file("out.o")
    try keyctl("annotate", input, "--output", output).checked()
    #expect(FileManager.default.contents(atPath: input) == good)
    let annotated = FileManager.default.contents(atPath: output)
    #expect(annotated != good)
    try keyctl("annotate", input).checked()
    #expect(FileManager.default.contents(atPath: input) == annotated)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["in.o", "out.o"])
  }

  @Test("the completion script for bash is one that bash takes")
  func bashCompletion() throws {
    let script = try keyctl("--generate-completion-script", "bash").checked().stdout
    let result = try run(["bash", "-n"], input: script)
    #expect(!script.isEmpty && result.status == 0, "\(result)")
  }
}
