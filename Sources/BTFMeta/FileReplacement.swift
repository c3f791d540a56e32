// SPDX-License-Identifier: Apache-2.0

import Glibc
import StaticKeys
import SystemPackage

/// Replaces a file as a whole: whoever opens it sees the old contents or the new, also after a crash.
enum FileReplacement {
  /// The path that a rename has to hit: links are followed, so that a link stays a link.
  ///
  /// Throws `.file` for what must not be renamed over, such as a device.
  static func destination(_ path: FilePath) throws(StaticKeysError) -> FilePath {
    let place = Place(file: path.string)
    guard let resolved = realpath(path.string, nil) else {
      let code = Errno(rawValue: errno)
      guard code == .noSuchFileOrDirectory else {
        throw StaticKeysError(.file, code.description, at: place, errno: code.rawValue)
      }
      return path
    }
    defer { free(resolved) }
    let real = FilePath(String(cString: resolved))
    guard try status(real).st_mode & S_IFMT == S_IFREG else {
      throw StaticKeysError(.file, "not a regular file", at: place, advice: "name a file to write to")
    }
    return real
  }

  /// Whether two paths lead to one file; false where there is nothing at the first.
  static func isSame(_ path: FilePath, _ other: FilePath) throws(StaticKeysError) -> Bool {
    guard let status = try? status(path) else { return false }
    let other = try self.status(other)
    return (status.st_dev, status.st_ino) == (other.st_dev, other.st_ino)
  }

  /// Writes `bytes` beside `destination`, then renames.
  ///
  /// The result has the mode and, where permitted, the owner of the file that it replaces, or else of `likeness`.
  static func write(_ bytes: [UInt8], to destination: FilePath, likeness: FilePath) throws(StaticKeysError) {
    let model = try status((try? status(destination)) == nil ? likeness : destination)
    let name = destination.lastComponent?.string ?? "object"
    let temporary = destination.removingLastComponent()
      .appending(".\(name).\(String(UInt32.random(in: .min ... .max), radix: 16)).tmp")
    try FileContents.system(at: Place(file: destination.string)) {
      let fd = try FileDescriptor.open(
        temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
      do {
        try fd.closeAfter {
          _ = try fd.writeAll(bytes)
          // Only root may give a file away; a copy of one's own is right for anybody else.
          _ = fchown(fd.rawValue, model.st_uid, model.st_gid)
          try check(fchmod(fd.rawValue, model.st_mode & 0o7777))
          try check(fsync(fd.rawValue))
        }
        try check(rename(temporary.string, destination.string))
      } catch {
        _ = unlink(temporary.string)
        throw error
      }
      // The rename itself lasts only once the folder is on disk; without that the old file is still whole.
      let folder = destination.removingLastComponent()
      let directory = try FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly, options: .closeOnExec)
      try directory.closeAfter { try check(fsync(directory.rawValue)) }
    }
  }

  private static func status(_ path: FilePath) throws(StaticKeysError) -> stat {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      let code = Errno(rawValue: errno)
      throw StaticKeysError(.file, code.description, at: Place(file: path.string), errno: code.rawValue)
    }
    return status
  }

  private static func check(_ result: Int32) throws(Errno) {
    guard result == 0 else { throw Errno(rawValue: errno) }
  }
}
