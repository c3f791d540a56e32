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

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) {
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
  }
}

extension AttachmentIndex {
  /// The programs on the hooks of all socket maps that no link holds there. Requires Linux 5.18.
  static func socketMaps(
    hooks: Set<UInt32>, system: BPFSystem, linked: LinkedHooks
  ) throws(Errno) -> [UInt32: [Attachment]] {
    guard !hooks.isEmpty else { return [:] }
    var result: [UInt32: [Attachment]] = [:]
    for id in try system.ids(of: .map) {
      guard let map = try system.object(.map, id: id) else { continue }
      let info = try system.rawInfo(ofMap: map)
      guard info.type == BPF_MAP_TYPE_SOCKMAP.rawValue || info.type == BPF_MAP_TYPE_SOCKHASH.rawValue else { continue }
      for type in hooks.sorted() {
        guard let program = try program(on: map, type, system: system) else { continue }
        let link = LinkedHook(kind: .sockmap, program: program, target: UInt64(id), attachType: type)
        if linked.count(link) > 0 { continue }
        let description = "\(attachTypeName(type)) of socket map \(text(in: info.name)) (map \(id))"
        let replacement = SocketMapReplacement(
          system: system, map: map, attachType: type, description: description)
        result[program, default: []].append(Attachment(description: description, replacement: replacement))
      }
    }
    return result
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
