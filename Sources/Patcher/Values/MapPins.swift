// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization
import SystemPackage

/// Pins of maps with constants that no program of their place uses any more, each to be replaced by the pin of the map
/// that is in use in its stead.
///
/// What a place is to have pinned follows from its programs alone: whoever was killed between the programs and the pins,
/// the next one makes up for it.
final class MapPins: TransactionStep {
  private struct Stale: Sendable {
    let path: FilePath
    let shape: DataMapShape
    let old: SharedFD
    let new: SharedFD
  }

  private let system: BPFSystem
  private let stale: [Stale]
  private let replaced = Mutex<[Stale]>([])

  /// Finds them.
  ///
  /// - Parameters:
  ///   - collections: those whose pins are looked at, and their instances'.
  ///   - programs: all that run.
  ///   - changes: which maps a program is about to use in which ones' place.
  /// - Throws: `.permission` or `.kernel`.
  init(
    of collections: Set<String>, usedBy programs: [ManagedProgram],
    after changes: (ManagedProgram) -> [UInt32: UInt32] = { _ in [:] }, system: BPFSystem
  ) throws(StaticKeysError) {
    // At a pin the old map and the new one.
    DescriptorLimit.raise(toHold: programs.count * 2)
    let store = CollectionStore(system: system)
    var shapes = DataMapShapes(system: system)
    var stale: [Stale] = []
    func collect(_ pins: [ConstantPins.Pin], usedBy users: (DataMapShape) -> [Set<UInt32>]) throws(StaticKeysError) {
      for pin in pins {
        let used = users(pin.shape).reduce(into: Set()) { $0.formUnion($1) }
        guard !used.contains(pin.id), let new = try shapes.newest(of: used, shaped: pin.shape) else { continue }
        stale.append(Stale(path: pin.path, shape: pin.shape, old: pin.map, new: new))
      }
    }
    for collection in collections.sorted() {
      var maps: [String?: Set<UInt32>] = [:]
      for program in programs where program.instance.collection == collection {
        let changes = changes(program)
        maps[program.instance.name, default: []].formUnion(program.instance.mapIDs.map { changes[$0] ?? $0 })
      }
      var own: [String?: Set<DataMapShape>] = [:]
      for name in store.instances(of: collection) {
        let pins = try ConstantPins(in: CollectionStore.instance(name, of: collection), system: system).pins
        own[name] = Set(pins.map(\.shape))
        try collect(pins) { _ in [maps[name] ?? []] }
      }
      // Instances without such a pin of their own use the collection's.
      try collect(ConstantPins(in: collection, system: system).pins) { shape in
        maps.filter { own[$0.key]?.contains(shape) != true }.map(\.value)
      }
    }
    self.system = system
    self.stale = stale
  }

  var isEmpty: Bool { stale.isEmpty }

  /// Where they are.
  var paths: [FilePath] { stale.map(\.path) }

  func commit() throws(StaticKeysError) {
    for pin in stale {
      try replace(pin, by: pin.new)
      replaced.withLock { $0.append(pin) }
    }
  }

  func revert() throws(StaticKeysError) {
    var failures: [StaticKeysError] = []
    for pin in replaced.withLock({ $0 }).reversed() {
      do throws(StaticKeysError) {
        try replace(pin, by: pin.old)
        replaced.withLock { $0.removeAll { $0.path == pin.path } }
      } catch {
        failures.append(error)
      }
    }
    if let failure = StaticKeysError(all: failures) { throw failure }
  }

  var standing: [String] { replaced.withLock { $0 }.map { "pin \($0.path)" } }

  private func replace(_ pin: Stale, by map: SharedFD) throws(StaticKeysError) {
    do throws(Errno) {
      try system.replacePin(at: pin.path, by: map) { there throws(Errno) in
        guard there.kind == .map else { return false }
        return DataMapShape(try system.rawInfo(ofMap: there.fd)) == pin.shape
      }
    } catch {
      throw .kernel(error, "cannot replace the pinned map", at: Place(file: pin.path.string), needs: [.bpf])
    }
  }
}

/// The shapes of maps, each asked for once.
private struct DataMapShapes {
  let system: BPFSystem
  private var known: [UInt32: DataMapShape?] = [:]

  init(system: BPFSystem) { self.system = system }

  /// The youngest of some maps that has this shape; nil if none has it.
  mutating func newest(of maps: Set<UInt32>, shaped shape: DataMapShape) throws(StaticKeysError) -> SharedFD? {
    do throws(Errno) {
      for id in maps.sorted(by: >) where try self.shape(of: id) == shape {
        if let map = try system.object(.map, id: id) { return map }
      }
      return nil
    } catch {
      throw .kernel(error, "cannot read the collection's maps", needs: [.sysAdmin])
    }
  }

  private mutating func shape(of id: UInt32) throws(Errno) -> DataMapShape? {
    if let known = known[id] { return known }
    let shape = try system.object(.map, id: id).flatMap { map throws(Errno) in
      DataMapShape(try system.rawInfo(ofMap: map))
    }
    known[id] = .some(shape)
    return shape
  }
}
