// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A path in a BPF file system at which a program is pinned: the new one is pinned beside it and renamed over it.
struct PinReplacement: Replacement {
  let system: BPFSystem
  let path: FilePath

  /// The path that a pin of this path would be renamed to; nil if it is not named so.
  static func path(whoseReplacementIs path: FilePath) -> FilePath? {
    let name = path.lastComponent?.string ?? ""
    let suffix = BPFSystem.besideSuffix
    guard name.hasSuffix(suffix), name.count > suffix.count else { return nil }
    return path.removingLastComponent().appending(String(name.dropLast(suffix.count)))
  }

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) {
    let current: UInt32
    do throws(Errno) {
      let pinned = try system.openPin(path)
      current = try system.rawInfo(ofProgram: pinned).id
    } catch .noSuchFileOrDirectory where Self.path(whoseReplacementIs: path) != nil {
      // A writer that was killed left it, and it went when the pin that it was for was replaced.
      return
    } catch {
      throw failure(error)
    }
    guard current == old.id else {
      throw StaticKeysError(
        .changedMeanwhile, "program \(current) is pinned there now, not \(old.id)", at: Place(file: path.string),
        advice: "run the command again")
    }
    do throws(Errno) {
      try system.replacePin(at: path, by: new.fd)
    } catch {
      throw failure(error)
    }
  }

  private func failure(_ errno: Errno) -> StaticKeysError {
    .kernel(errno, "cannot replace the pinned program", at: Place(file: path.string), needs: [.bpf])
  }
}

extension BPFSystem {
  /// A dot would be refused: the kernel keeps such names for itself.
  static let besideSuffix = "__new"

  /// Pins a program or map beside what is pinned at a path, and renames it over that.
  func replacePin(at path: FilePath, by fd: SharedFD) throws(Errno) {
    let beside = FilePath(path.string + Self.besideSuffix)
    do throws(Errno) {
      try pin(fd, at: beside)
    } catch .fileExists {
      // Left behind by a writer that was killed: whoever holds the lock now may remove it.
      try unlink(beside)
      try pin(fd, at: beside)
    }
    do throws(Errno) {
      try rename(beside, to: path)
    } catch {
      try? unlink(beside)
      throw error
    }
  }
}

extension AttachmentIndex {
  /// All program pins in the BPF file systems that this process sees, by the id of their program.
  static func pins(system: BPFSystem) throws(Errno) -> [UInt32: [Attachment]] {
    var result: [UInt32: [Attachment]] = [:]
    for path in BPFFS.pins() {
      let pinned: SharedFD
      do throws(Errno) {
        pinned = try system.openPin(path)
      } catch .noSuchFileOrDirectory {
        continue
      } catch .permissionDenied {
        // bpffs holds iterators' pins too, which BPF_OBJ_GET does not open.
        continue
      }
      guard BPFFS.kind(of: pinned) == .program else { continue }
      let id = try system.rawInfo(ofProgram: pinned).id
      result[id, default: []].append(
        Attachment(description: "pin \(path)", replacement: PinReplacement(system: system, path: path)))
    }
    return result
  }
}
