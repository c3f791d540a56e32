// SPDX-License-Identifier: Apache-2.0

import Glibc
import StaticKeys
import SystemPackage

/// Whole files, read and replaced.
enum FileContents {
  /// Far above any real object; keeps a wrong path such as a disk image from filling the memory.
  static let limit = 256 << 20

  /// All bytes of a file; throws `.file`.
  static func read(_ path: FilePath) throws(StaticKeysError) -> [UInt8] {
    try read(path) { _ in true } ?? []
  }

  /// All bytes of a file, if its first four, or as many as it has, are as wanted; throws `.file`.
  static func read(_ path: FilePath, if isWanted: ([UInt8]) -> Bool) throws(StaticKeysError) -> [UInt8]? {
    let file = Place(file: path.string)
    return try system(at: file) {
      let fd = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      return try fd.closeAfter {
        let start = try [UInt8](unsafeUninitializedCapacity: 4) { buffer, count in
          count = try fd.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        return isWanted(start) ? start + (try readAll(fd, at: file)) : nil
      }
    }
  }

  /// All bytes from here to the end of an open file.
  static func readAll(_ fd: FileDescriptor, at place: Place) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try fd.read(into: $0) }
      guard count > 0 else { return bytes }
      guard bytes.count + count <= limit else {
        throw StaticKeysError(.file, "larger than \(limit >> 20) MiB, too large for an object file", at: place)
      }
      bytes += chunk[..<count]
    }
  }

  /// Runs `body`; an errno thrown by swift-system becomes a `.file` error at this place.
  static func system<T>(at place: Place, _ body: () throws -> T) throws(StaticKeysError) -> T {
    do {
      return try body()
    } catch let error as StaticKeysError {
      throw error
    } catch let error as Errno {
      throw StaticKeysError(.file, error.description, at: place, errno: error.rawValue)
    } catch {
      throw StaticKeysError(.file, "\(error)", at: place)
    }
  }
}
