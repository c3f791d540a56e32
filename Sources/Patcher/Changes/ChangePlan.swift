// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// What wishes come to over all running programs; making it changes nothing that runs.
struct ChangePlan {
  let keys: [KeyChange]
  let values: [ValueChange]
  let work: [ProgramWork]
  /// What is to be written into maps of variables.
  let edits: [VariableEdit]
  /// Where maps are pinned that their programs do not use when this is done.
  let pins: MapPins
  /// Variants that were replaced before and live on, held by something that is not seen.
  let stillHeld: [UInt32]
  /// Keeps the new maps until programs hold them.
  private let maps: ConstantMaps

  /// Whether all is as it is wanted.
  var isDone: Bool { work.isEmpty && stillHeld.isEmpty && edits.isEmpty && pins.isEmpty }

  /// - Parameter places: where each wish stands in a file, for messages; empty where they do not come from one.
  /// - Throws: `.notFound`, `.ambiguous` and `.badValue` for the wishes, all of them in one; `.kernel` where a map cannot
  ///   be made.
  init(
    _ wishes: [Wish], from places: [Place] = [], for inventory: Inventory, in selector: ProgramSelector?,
    system: BPFSystem,
    attachments: () throws(StaticKeysError) -> AttachmentIndex
  ) throws(StaticKeysError) {
    var draft = try ChangeDraft(of: inventory, in: selector, system: system)
    var refused: [StaticKeysError] = []
    for (index, wish) in wishes.enumerated() {
      do throws(StaticKeysError) {
        switch wish {
        case .key(let pattern, let action): try draft.add(action, to: pattern)
        case .value(let pattern, let text): try draft.add(text, to: pattern)
        }
      } catch {
        refused.append(places.indices.contains(index) ? error.located(at: places[index]) : error)
      }
    }
    if let refusal = StaticKeysError(all: refused) { throw refusal }
    maps = try draft.makeMaps()
    keys = try draft.keyChanges()
    values = try draft.valueChanges()
    edits = draft.variableEdits
    let concerned = inventory.programs.filter { draft.wanted[$0.id]?.maps.isEmpty == false }
    pins = try MapPins(
      of: Set(concerned.map(\.instance.collection)), usedBy: inventory.programs,
      after: { draft.wanted[$0.id]?.maps ?? [:] }, system: system)
    var work: [ProgramWork] = []
    var stillHeld: [UInt32] = []
    let variants = Dictionary(grouping: inventory.programs, by: ProgramIdentity.init)
    for program in inventory.programs {
      // In the order of the programs' ids, so that a change goes the same way each time.
      guard let group = variants[ProgramIdentity(program)], group.first?.id == program.id else { continue }
      let part = try ProgramWork.on(group, wanted: draft.wanted, attachments: attachments)
      work += part.work
      stillHeld += part.stillHeld
    }
    self.work = work
    self.stillHeld = stillHeld
  }
}
