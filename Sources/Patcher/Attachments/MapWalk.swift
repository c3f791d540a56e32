// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

/// What the kernel's maps hold of programs: program arrays and socket maps.
struct MapWalk: Sendable {
  private(set) var arrays = ProgramArrays()
  private(set) var socketMaps: [SocketMapHook] = []

  /// Walks all maps. Requires CAP_SYS_ADMIN.
  init(_ hooks: ConcernedHooks, system: BPFSystem) throws(Errno) {
    for id in try system.ids(of: .map) {
      guard let map = try system.object(.map, id: id) else { continue }
      let info = try system.rawInfo(ofMap: map)
      switch bpf_map_type(info.type) {
      case BPF_MAP_TYPE_PROG_ARRAY: try arrays.insert(map, info: info, hooks, system: system)
      case BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH:
        socketMaps += try SocketMapHook.all(of: map, info: info, hooks, system: system)
      default: break
      }
    }
  }

  /// Told which maps are pinned, after this walk.
  func release(pinned: Set<UInt32>) { arrays.release(pinned: pinned) }
}
