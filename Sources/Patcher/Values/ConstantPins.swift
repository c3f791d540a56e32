// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// The pins of maps with constants in a place: a collection, or an instance of one.
struct ConstantPins {
  struct Pin {
    let path: FilePath
    let map: SharedFD
    let id: UInt32
    let shape: DataMapShape
  }

  let pins: [Pin]
  /// Those that a writer that was killed was about to rename over one of `pins`, and which.
  let left: [(path: FilePath, replaced: FilePath)]

  init(in place: String, system: BPFSystem) throws(StaticKeysError) {
    let directory = CollectionStore.directory(of: .maps, in: place)
    var found: [FilePath: Pin] = [:]
    do throws(Errno) {
      for entry in BPFFS.entries(of: directory) where !entry.isDirectory {
        let path = directory.appending(entry.name)
        guard let pinned = try system.pinned(at: path), pinned.kind == .map else { continue }
        let info = try system.rawInfo(ofMap: pinned.fd)
        guard let shape = DataMapShape(info), shape.holdsConstants else { continue }
        found[path] = Pin(path: path, map: pinned.fd, id: info.id, shape: shape)
      }
    } catch {
      throw .kernel(error, "cannot look at the collection's maps", at: Place(file: directory.string), needs: [.bpf])
    }
    var pins: [Pin] = []
    var left: [(path: FilePath, replaced: FilePath)] = []
    for pin in found.values.sorted(by: { $0.path.string < $1.path.string }) {
      var path = pin.path
      var replaced: FilePath?
      while replaced == nil, let meant = BPFSystem.path(whoseReplacementIs: path) {
        // A map's own name may end so, but never one of the same section of the same object.
        if found[meant]?.shape == pin.shape { replaced = meant }
        path = meant
      }
      if let replaced { left.append((pin.path, replaced)) } else { pins.append(pin) }
    }
    self.pins = pins
    self.left = left
  }
}
