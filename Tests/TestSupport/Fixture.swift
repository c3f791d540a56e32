// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Files that the tests read.
public enum Fixture {
  /// The folder that holds Package.swift.
  public static let packageRoot: String = {
    let file = URL(fileURLWithPath: #filePath)  // Tests/TestSupport/Fixture.swift
    return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  }()

  /// The path of `Tests/Fixtures/build/NAME.clangVERSION.o`, which `make fixtures` builds.
  public static func object(_ name: String, clang version: Int) throws -> String {
    try existing("Tests/Fixtures/build/\(name).clang\(version).o")
  }

  /// The path of a file of this package, by its path from the package's root.
  public static func existing(_ path: String) throws -> String {
    let full = packageRoot + "/" + path
    guard FileManager.default.fileExists(atPath: full) else {
      throw HarnessError("\(full) is missing; build it with `make fixtures`")
    }
    return full
  }
}
