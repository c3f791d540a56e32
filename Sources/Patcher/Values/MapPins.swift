// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization
import SystemPackage

/// The pins of a collection's map, to be replaced by those of the one that takes its place.
final class MapPins: TransactionStep {
  private let system: BPFSystem
  private let paths: [FilePath]
  private let old: SharedFD
  private let new: SharedFD
  private let replaced = Mutex<[FilePath]>([])

  /// Finds where the old map is pinned among its collection's maps.
  init(_ replacement: ConstantMaps.Replacement, system: BPFSystem) throws(StaticKeysError) {
    var old: SharedFD?
    var paths: [FilePath] = []
    for place in replacement.places {
      let directory = CollectionStore.directory(of: .maps, in: place)
      do throws(Errno) {
        for entry in BPFFS.entries(of: directory) where !entry.isDirectory {
          let path = directory.appending(entry.name)
          let pin = try system.openPin(path)
          guard BPFFS.kind(of: pin) == .map, try system.rawInfo(ofMap: pin).id == replacement.old else { continue }
          paths.append(path)
          old = pin
        }
      } catch {
        throw .kernel(error, "cannot look at the collection's maps", at: Place(file: directory.string), needs: [.bpf])
      }
    }
    self.system = system
    self.paths = paths
    self.old = old ?? replacement.fd
    new = replacement.fd
  }

  func commit() throws(StaticKeysError) {
    for path in paths {
      do throws(Errno) {
        try replacePin(at: path, by: new)
      } catch {
        throw Self.failure(error, at: path)
      }
      replaced.withLock { $0.append(path) }
    }
  }

  func revert() throws(StaticKeysError) {
    var failures: [StaticKeysError] = []
    for path in replaced.withLock({ $0 }).reversed() {
      do throws(Errno) {
        try replacePin(at: path, by: old)
        replaced.withLock { $0.removeAll { $0 == path } }
      } catch {
        failures.append(Self.failure(error, at: path))
      }
    }
    if let failure = StaticKeysError(all: failures) { throw failure }
  }

  private func replacePin(at path: FilePath, by map: SharedFD) throws(Errno) {
    try system.replacePin(at: path, by: map) { there throws(Errno) in
      guard there.kind == .map else { return false }
      return try system.areVariants(there.fd, map)
    }
  }

  var standing: [String] { replaced.withLock { $0 }.map { "pin \($0)" } }

  private static func failure(_ errno: Errno, at path: FilePath) -> StaticKeysError {
    .kernel(errno, "cannot replace the pinned map", at: Place(file: path.string), needs: [.bpf])
  }
}

extension BPFSystem {
  /// Whether two maps were made for the same variables, with other constants in them.
  fileprivate func areVariants(_ one: SharedFD, _ other: SharedFD) throws(Errno) -> Bool {
    let (one, other) = (try rawInfo(ofMap: one), try rawInfo(ofMap: other))
    return one.type == other.type && one.value_size == other.value_size && one.btf_id == other.btf_id
      && one.btf_value_type_id == other.btf_value_type_id && text(in: one.name) == text(in: other.name)
  }
}
