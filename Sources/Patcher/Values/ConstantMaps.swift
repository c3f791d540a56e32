// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Frozen maps with new constants, one for each content that a collection's programs want; they go with this unless
/// programs have been loaded on them.
struct ConstantMaps: Sendable {
  private struct Content: Hashable {
    let collection: String
    let shape: DataMapShape
    let bytes: [UInt8]
  }

  private let system: BPFSystem
  private var made: [Content: (id: UInt32, fd: SharedFD)] = [:]

  init(system: BPFSystem) { self.system = system }

  /// The id of a map that is as `old` but for its bytes.
  ///
  /// - Parameter existing: maps of the same collection, one of which may have these bytes already.
  mutating func replace(
    _ old: DataMap, of collection: String, by bytes: [UInt8], existing: [DataMap]
  ) throws(StaticKeysError) -> UInt32 {
    let content = Content(collection: collection, shape: old.shape, bytes: bytes)
    let new: (id: UInt32, fd: SharedFD)
    do throws(Errno) {
      if let known = made[content] {
        new = known
      } else if let same = existing.first(where: { $0.shape == old.shape && $0.bytes == bytes }),
        let fd = try system.object(.map, id: same.id)
      {
        new = (same.id, fd)
      } else {
        let fd = try system.createFrozenMap(like: old.shape, value: bytes)
        new = (try system.rawInfo(ofMap: fd).id, fd)
      }
    } catch {
      throw .kernel(error, "cannot make the map \(old.shape.name) anew", at: Place(section: old.section.name))
    }
    made[content] = new
    return new.id
  }
}
