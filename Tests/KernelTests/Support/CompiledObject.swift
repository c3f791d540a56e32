// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// An object of a source that a test makes up, for what no fixture can be: a test that has one is `.requiresCompiler`.
final class CompiledObject {
  private let folder: TemporaryFolder
  let path: String

  /// Compiles a source that may include what fixtures include, and fixtures themselves.
  init(_ source: String) throws {
    folder = try TemporaryFolder()
    path = folder.file("object.o")
    let file = try folder.write(Array(source.utf8), to: "source.bpf.c")
    let machine = try run(["uname", "-m"]).checked().stdout.trimmingCharacters(in: .newlines)
    let root = Fixture.packageRoot
    try run([
      "clang-19", "--target=bpf", "-g", "-O2", "-std=gnu11", "-I\(root)/include", "-I\(root)/Tests/Fixtures",
      "-idirafter", "/usr/include/\(machine)-linux-gnu", "-c", file, "-o", path,
    ]).checked()
  }

  /// Compiles a version of the object that `VersionedObject` is about, and more.
  convenience init(version defines: String = "", then more: String) throws {
    try self.init("\(defines)\n#include \"versioned.bpf.c\"\n\(more)\n")
  }
}
