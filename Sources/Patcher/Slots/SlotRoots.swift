// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Where the roots of slots hang.
struct SlotRoots: Sendable {
  /// By the id of the slot's array: what the root hangs on.
  private let places: [UInt32: [String]]

  /// Looks which of the programs that links hold are roots, and of which arrays.
  ///
  /// - Parameter links: all of the kernel's, by the id of their program.
  init(of arrays: ProgramArrays, links: [UInt32: [Attachment]], system: BPFSystem) throws(Errno) {
    let slots = Set(arrays.entries.filter { $0.name == Slot.mapName }.map(\.id))
    var places: [UInt32: [String]] = [:]
    if !slots.isEmpty {
      for (id, links) in links.sorted(by: { $0.key < $1.key }) {
        guard let program = try system.object(.program, id: id),
          text(in: try system.rawInfo(ofProgram: program).name) == SlotRoot.name
        else { continue }
        for map in try system.mapIDs(ofProgram: program) where slots.contains(map) {
          places[map, default: []] += links.map(\.description)
        }
      }
    }
    self.places = places
  }

  /// What a slot is, for people; nil if the array is none of keyctl's.
  func description(of array: ProgramArrays.Entry) -> String? {
    guard array.name == Slot.mapName else { return nil }
    guard let places = places[array.id] else { return "slot (map \(array.id)) that hangs nowhere" }
    return "slot at \(places.joined(separator: " and "))"
  }
}
