// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Files that say what is wanted of many keys and values, in YAML or JSON, which is a part of YAML.
///
///     version: 1
///     collections:
///       flowmon:
///         keys: {debug_events: on, "drop_*": off}
///         values: {sample_rate: 100, "limits.rate[2]": 5}
public enum StateFile {
  /// The version of the form that is read and written.
  public static let version = 1
  /// The longest file that is read.
  static let longest = 1 << 20

  /// Reads a file, or standard input for "-".
  ///
  /// - Throws: `.file` for one that cannot be read, is too long or empty; `.malformed`, with the line, for what makes no
  ///   sense in it; `.futureVersion`.
  public static func read(_ path: FilePath) throws(StaticKeysError) -> WantedState {
    try located(at: Place(file: name(of: path))) { () throws(StaticKeysError) in
      try parse(path == "-" ? bytes(of: .standardInput) : bytes(of: path))
    }
  }

  /// What to call a file in messages.
  public static func name(of path: FilePath) -> String { path == "-" ? "standard input" : path.string }

  private static func bytes(of path: FilePath) throws(StaticKeysError) -> [UInt8] {
    let file: FileDescriptor
    do {
      file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    } catch {
      throw unreadable(error, "cannot open it")
    }
    let result = Result { () throws(StaticKeysError) in try bytes(of: file) }
    try? file.close()
    return try result.get()
  }

  private static func bytes(of file: FileDescriptor) throws(StaticKeysError) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count: Int
      do {
        count = try part.withUnsafeMutableBytes { try file.read(into: $0) }
      } catch {
        throw unreadable(error, "cannot read it")
      }
      guard count > 0 else { return bytes }
      bytes += part.prefix(count)
      guard bytes.count <= longest else {
        throw StaticKeysError(.file, "it is longer than \(longest >> 20) MiB, which no list of keys is")
      }
    }
  }

  private static func unreadable(_ error: any Error, _ message: String) -> StaticKeysError {
    let errno = error as? Errno
    return StaticKeysError(.file, "\(message): \(errno?.description ?? "\(error)")", errno: errno?.rawValue)
  }
}
