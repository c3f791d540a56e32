// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// A program that BPF_PROG_ATTACH put on a socket map.
///
/// The kernel replaces it in one step but compares nothing: it is looked at right before. Sockets that are in the map
/// already keep the old program, as they do when a link is updated.
struct SocketMapReplacement: Replacement {
  let system: BPFSystem
  let map: SharedFD
  let attachType: UInt32
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let found: UInt32?
    do throws(Errno) {
      found = try map.withRaw { raw throws(Errno) in
        let found = try system.query(UInt32(bitPattern: raw), attachType: attachType).entries.first?.program
        if found == old.id { try system.attach(new.fd, to: UInt32(bitPattern: raw), attachType: attachType) }
        return found
      }
    } catch {
      throw .kernel(error, "cannot replace the program of \(description)", needs: [.netAdmin, .bpf])
    }
    guard found == old.id else { throw .hookChanged(description, holds: found ?? 0, not: old) }
    return true
  }
}

/// A program on a hook of a socket map. Requires Linux 5.18.
struct SocketMapHook: Sendable {
  let map: UInt32
  let fd: SharedFD
  let attachType: UInt32
  let program: UInt32
  private let description: String

  /// The concerned programs on the hooks of a socket map.
  static func all(
    of map: SharedFD, info: bpf_map_info, _ hooks: ConcernedHooks, system: BPFSystem
  ) throws(Errno) -> [SocketMapHook] {
    var found: [SocketMapHook] = []
    for type in hooks.socketMap.sorted() {
      guard let program = try program(on: map, type, system: system), hooks.programs.contains(program) else { continue }
      found.append(
        SocketMapHook(
          map: info.id, fd: map, attachType: type, program: program,
          description: "\(attachTypeName(type)) of socket map \(text(in: info.name)) (map \(info.id))"))
    }
    return found
  }

  /// Nil if a link holds the program there.
  func attachment(system: BPFSystem, linked: LinkedHooks) -> Attachment? {
    let link = LinkedHook(kind: .sockmap, program: program, target: UInt64(map), attachType: attachType)
    guard linked.count(link) == 0 else { return nil }
    let replacement = SocketMapReplacement(
      system: system, map: fd, attachType: attachType, description: description)
    return Attachment(kind: "socket map", description: description, replacement: replacement)
  }

  private static func program(on map: SharedFD, _ type: UInt32, system: BPFSystem) throws(Errno) -> UInt32? {
    do throws(Errno) {
      return try map.withRaw { raw throws(Errno) in
        try system.query(UInt32(bitPattern: raw), attachType: type).entries.first?.program
      }
    } catch .invalidArgument {
      return nil
    } catch .notSupportedOnSocket {
      // Not a hook of this map's.
      return nil
    } catch .resourceBusy {
      // Of its two hooks for a verdict a map uses one, and this is the other.
      return nil
    }
  }
}
