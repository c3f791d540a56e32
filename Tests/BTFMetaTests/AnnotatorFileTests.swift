// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import Foundation
import StaticKeys
import SystemPackage
import Testing

@Suite("Annotated files replace others as a whole")
struct AnnotatorFileTests {
  private func mode(_ path: FilePath) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int
  }

  @Test func keepsTheMode() throws {
    try TemporaryFolder.with { folder in
      try folder.write(FixtureObject.bytes("four"), "a.o")
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.path("a.o").string)
      try Annotator.annotate(folder.path("a.o"))
      #expect(try mode(folder.path("a.o")) == 0o640)
      try Annotator.annotate(folder.path("a.o"), output: folder.path("b.o"))
      #expect(try mode(folder.path("b.o")) == 0o640)
      #expect(try folder.read("b.o") == folder.read("a.o"))
    }
  }

  @Test func leavesTheInputAloneWhereAnOutputIsNamed() throws {
    try TemporaryFolder.with { folder in
      let bytes = try FixtureObject.bytes("four")
      try folder.write(bytes, "a.o")
      let report = try Annotator.annotate(folder.path("a.o"), output: folder.path("b.o"))
      #expect(report.added == 4 && report.wroteFile)
      #expect(try folder.read("a.o") == bytes)
      #expect(try folder.contents() == ["a.o", "b.o"])
    }
  }

  @Test func writesThroughALinkAndKeepsIt() throws {
    try TemporaryFolder.with { folder in
      try folder.write(FixtureObject.bytes("four"), "a.o")
      let link = folder.path("link.o").string
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a.o")
      try Annotator.annotate(FilePath(link))
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "a.o")
      #expect(try ObjectFile(path: folder.path("a.o")).isAnnotated())
    }
  }

  @Test func refusesADeviceAsOutput() {
    expectFailure(.file, "/dev/null: not a regular file; name a file to write to") {
      try Annotator.annotate(FixtureObject.path("four"), output: "/dev/null")
    }
  }

  @Test func refusesAnOutputInNoFolder() throws {
    try TemporaryFolder.with { folder in
      let path = folder.path("none").appending("b.o")
      expectFailure(.file, "\(path): No such file or directory") {
        try Annotator.annotate(FixtureObject.path("four"), output: path)
      }
    }
  }

  @Test("A refused object stays as it was, and nothing is left beside it")
  func allOrNothing() throws {
    try TemporaryFolder.with { folder in
      let bytes = try FixtureObject.bytes("samename")
      try folder.write(bytes, "a.o")
      #expect(throws: StaticKeysError.self) { try Annotator.annotate(folder.path("a.o")) }
      #expect(try folder.read("a.o") == bytes)
      #expect(try folder.contents() == ["a.o"])
    }
  }
}
