// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The objects that Tests/Fixtures/Makefile builds.
enum FixtureObject {
  /// The compilers that every fixture is built with.
  static let compilers = ["clang14", "clang19"]

  /// Where `make fixtures` puts a fixture.
  static func path(_ name: String, _ compiler: String) -> FilePath {
    FilePath(#filePath).removingLastComponent().removingLastComponent()
      .appending("Fixtures/build/\(name).\(compiler).o")
  }
}
