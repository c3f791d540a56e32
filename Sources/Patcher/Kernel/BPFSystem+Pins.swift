// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// What is pinned somewhere, and what kind of thing it is.
struct Pinned: Sendable {
  let kind: BPFFS.PinKind
  let fd: SharedFD
}

extension BPFSystem {
  /// What is pinned at a path; nil if nothing is, or an iterator, which BPF_OBJ_GET does not open.
  func pinned(at path: FilePath) throws(Errno) -> Pinned? {
    do throws(Errno) {
      let fd = try openPin(path)
      return BPFFS.kind(of: fd).map { Pinned(kind: $0, fd: fd) }
    } catch .noSuchFileOrDirectory {
      return nil
    } catch .permissionDenied {
      return nil
    }
  }

  /// Shows `body` all that is pinned in the BPF file systems that this process sees.
  func forEachPin(_ body: (FilePath, Pinned) throws(Errno) -> Void) throws(Errno) {
    for path in BPFFS.pins() {
      if let pinned = try pinned(at: path) { try body(path, pinned) }
    }
  }
}

// .. Replacing ..................................................................................................

extension BPFSystem {
  /// A dot would be refused: the kernel keeps such names for itself.
  private static let besideSuffix = "__new"

  /// The path that a pin of this path would be renamed to; nil if it is not named so.
  static func path(whoseReplacementIs path: FilePath) -> FilePath? {
    let name = path.lastComponent?.string ?? ""
    guard name.hasSuffix(besideSuffix), name.count > besideSuffix.count else { return nil }
    return path.removingLastComponent().appending(String(name.dropLast(besideSuffix.count)))
  }

  /// Where to pin what is to take a pin's place: PATH__new, and on from there where somebody has pinned something of
  /// their own.
  ///
  /// - Parameter isLeft: whether what is pinned there is what a killed writer left: whoever holds the lock may remove it.
  func placeBeside(
    _ path: FilePath, isLeft: (Pinned) throws(Errno) -> Bool
  ) throws(Errno) -> (path: FilePath, left: Pinned?) {
    var beside = path
    while true {
      beside = FilePath(beside.string + Self.besideSuffix)
      guard FileIdentity(of: beside) != nil else { return (beside, nil) }
      if let there = try pinned(at: beside), try isLeft(there) { return (beside, there) }
    }
  }

  /// Pins something at one path and renames it over another.
  func pin(_ fd: SharedFD, at beside: FilePath, andRenameTo path: FilePath) throws(Errno) {
    try pin(fd, at: beside)
    do throws(Errno) {
      try rename(beside, to: path)
    } catch {
      try? unlink(beside)
      throw error
    }
  }

  /// Pins something in place of what is pinned at a path, which is never without either.
  ///
  /// - Parameter isLeft: as for `placeBeside`.
  func replacePin(at path: FilePath, by fd: SharedFD, isLeft: (Pinned) throws(Errno) -> Bool) throws(Errno) {
    let beside = try placeBeside(path, isLeft: isLeft)
    if beside.left != nil { try unlink(beside.path) }
    try pin(fd, at: beside.path, andRenameTo: path)
  }
}
