// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The objects that Tests/Fixtures/Makefile builds.
enum FixtureObject {
  /// The compilers that every fixture is built with.
  static let compilers = ["clang14", "clang19"]

  /// Fixtures whose sites can be described.
  static let annotatable = [
    "badarm", "cgroup", "counter", "four", "four-big", "four-stripped", "multi", "rawtp", "share", "share-stripped",
    "subprogs", "subprogs-stripped", "tcx", "vmlinux",
  ]

  /// Where `make fixtures` puts a fixture.
  static func path(_ name: String, _ compiler: String = "clang14") -> FilePath {
    FilePath(#filePath).removingLastComponent().removingLastComponent()
      .appending("Fixtures/build/\(name).\(compiler).o")
  }

  /// A fixture's bytes.
  static func bytes(_ name: String, _ compiler: String = "clang14") throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name, compiler).string)))
  }
}

/// One function "f" in section "xdp" and a key "k" in BPF assembly, for objects that no compiler makes.
struct AssemblyObject {
  var function = """
      r0 = 0
    __static_branch.u.0.k:
      if r0 != 0 goto out
      exit
    out:
      r0 = 2
      exit
    """
  /// What follows the function in its section.
  var after = ""
  var key = "k"
  var keyBytes = ".byte 0"

  var source: String {
    """
    .section xdp,"ax",@progbits
    .globl f
    .type f,@function
    f:
    \(function)
    .size f, .-f
    \(after)
    .section .static_keys,"aw",@progbits
    .globl \(key)
    .type \(key),@object
    \(key):
      \(keyBytes)
    .size \(key), .-\(key)

    """
  }
}
