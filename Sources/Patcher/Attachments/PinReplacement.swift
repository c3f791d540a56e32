// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A path in a BPF file system at which a program is pinned: the new one is pinned beside it and renamed over it.
struct PinReplacement: Replacement {
  let system: BPFSystem
  let path: FilePath

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let held: PinnedProgram?
    let isMeantForAnother: Bool
    do throws(Errno) {
      held = try system.pinned(at: path).flatMap { pinned throws(Errno) in try PinnedProgram(pinned, system: system) }
      isMeantForAnother = try held?.replaced(from: path, system: system) != nil
    } catch {
      throw failure(error)
    }
    // What a killed writer left went, perhaps, when the pin that it was for was replaced.
    guard held != nil || BPFSystem.path(whoseReplacementIs: path) == nil else { return false }
    guard let held, held.program == old.id else {
      throw .hookChanged("the pin \(path)", holds: held?.program, not: old)
    }
    do throws(Errno) {
      guard !isMeantForAnother else {
        try system.unlink(path)
        return false
      }
      try system.replacePin(at: path, by: new.fd) { there throws(Errno) in
        try PinnedProgram(there, system: system)?.isVariant(of: held, system: system) == true
      }
      return true
    } catch {
      throw failure(error)
    }
  }

  private func failure(_ errno: Errno) -> StaticKeysError {
    .kernel(errno, "cannot replace the pinned program", at: Place(file: path.string), needs: [.bpf])
  }
}

/// All that is pinned in the BPF file systems that this process sees, by what it is.
struct PinWalk: Sendable {
  /// Where programs are pinned, by the program's id.
  private(set) var attachments: [UInt32: [Attachment]] = [:]
  /// Where links are pinned, by the link's id.
  private(set) var links: [UInt32: [FilePath]] = [:]
  /// The ids of the maps that are pinned.
  private(set) var maps: Set<UInt32> = []

  init(system: BPFSystem) throws(Errno) {
    var walk = (attachments: attachments, links: links, maps: maps)
    try system.forEachPin { path, pinned throws(Errno) in
      switch pinned.kind {
      case .program:
        let id = try system.rawInfo(ofProgram: pinned.fd).id
        walk.attachments[id, default: []].append(
          Attachment(kind: "pin", description: "pin \(path)", replacement: PinReplacement(system: system, path: path)))
      case .link: walk.links[try system.rawInfo(ofLink: pinned.fd).id, default: []].append(path)
      case .map: walk.maps.insert(try system.rawInfo(ofMap: pinned.fd).id)
      }
    }
    (attachments, links, maps) = walk
  }
}
