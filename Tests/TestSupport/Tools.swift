// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Programs that tests start.
public enum Tools {
  /// Where programs are looked for: `PATH`, and the sbin folders, which are not on every user's `PATH`.
  public static let searchPath = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"

  /// The path of the program of this name, nil if it is not installed. A name with a slash is a path already.
  public static func find(_ name: String) -> String? {
    if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
    return searchPath.split(separator: ":").lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// The path of an executable that this package builds, such as keyctl.
  ///
  /// It lies beside the running test bundle, or a few folders above it, depending on the build system.
  public static func built(_ product: String) throws -> String {
    let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var folder = URL(fileURLWithPath: test).deletingLastPathComponent()
    for _ in 0..<4 {
      let candidate = folder.appendingPathComponent(product).path
      if isExecutableFile(candidate) { return candidate }
      folder.deleteLastPathComponent()
    }
    let fallback = Fixture.packageRoot + "/.build/debug/" + product
    guard isExecutableFile(fallback) else {
      throw HarnessError("\(product) is not built beside \(test); build it with `swift build --build-tests`")
    }
    return fallback
  }

  private static func isExecutableFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
      && access(path, X_OK) == 0
  }
}

/// Runs the keyctl that this package builds.
@discardableResult
public func keyctl(
  _ arguments: String..., input: String = "", environment: [String: String?] = [:], timeout: Duration = .seconds(30)
) throws -> CommandResult {
  try run([Tools.built("keyctl")] + arguments, input: input, environment: environment, timeout: timeout)
}
