// SPDX-License-Identifier: Apache-2.0

import StaticKeys

extension Inventory {
  /// All programs with a template that run now; without what a writer that is still at work has only loaded.
  ///
  /// Requires CAP_SYS_ADMIN and Linux 5.10. The C function it walks with is `bpf_prog_get_next_id`.
  /// - Throws: `.permission` or `.kernel`; a program that cannot be read is no error but among `unreadable`.
  public static func current(system: BPFSystem = BPFSystem()) throws(StaticKeysError) -> Inventory {
    var writer = WriterAtWork(system: system)
    var inventory = try Discovery.walk(system: system)
    writer.lookAgain()
    inventory.remove(inventory.programs.filter { writer.isMaking($0.instance.collection) })
    let doubtful = Dictionary(grouping: inventory.programs, by: ProgramIdentity.init).values.filter { variants in
      variants.count > 1 || variants.contains { writer.isAdding(to: $0.instance.collection) }
    }
    // Where nothing is being changed the walk over all links is not worth it.
    guard !doubtful.isEmpty else { return inventory }
    let attachments = try AttachmentIndex(system: system, of: Array(doubtful.joined()))
    for variants in doubtful { inventory.remove(writer.idle(among: variants, attachments: attachments)) }
    return inventory
  }

  mutating func remove(_ gone: [ManagedProgram]) {
    let ids = Set(gone.map(\.id))
    programs.removeAll { ids.contains($0.id) }
  }
}

/// What another process may be doing while the kernel's programs are looked through: a reader is to see what was there
/// before, or what comes of it.
private struct WriterAtWork {
  private let system: BPFSystem
  private let store: CollectionStore
  /// The collections that were complete before the look.
  private let complete: Set<String>
  private var isThere: Bool
  private var made: Set<String> = []
  private var joined: Set<String> = []

  /// Looks before the programs are.
  init(system: BPFSystem) {
    self.system = system
    store = CollectionStore(system: system)
    complete = Set(store.names())
    isThere = BPFSystem.writer != nil
  }

  /// Looks after the programs were.
  mutating func lookAgain() {
    isThere = isThere || BPFSystem.writer != nil
    // In this order: what is complete by now is no longer staged.
    let staged = store.staged()
    made = staged.union(store.names()).subtracting(complete)
    joined = staged.intersection(complete)
  }

  /// Whether a collection came, or was still to come, during the look.
  func isMaking(_ collection: String) -> Bool { made.contains(collection) }

  /// Whether programs are being loaded that are to join a collection.
  func isAdding(to collection: String) -> Bool { joined.contains(collection) }

  /// Those of a program's variants that do not run: what only a severed link keeps, and what a writer has loaded and not
  /// put in force, or has replaced and not let go of.
  ///
  /// Of the last two, what is younger than one that hangs somewhere was never in force, or only until it was taken back.
  /// An older one that is there without a writer something holds that does not show: that is worth telling.
  func idle(among variants: [ManagedProgram], attachments: AttachmentIndex) -> [ManagedProgram] {
    let held = variants.filter { holds($0, attachments) }.map(\.id).min()
    return variants.filter { variant in
      if variants.count > 1, attachments.isSevered(variant.id) { return true }
      if holds(variant, attachments) { return false }
      let isOfWriter = held.map { isThere || variant.id > $0 } ?? isAdding(to: variant.instance.collection)
      return isOfWriter || (try? system.object(.program, id: variant.id)) == nil
    }
  }

  /// Whether more than a descriptor, or a pin that a writer has not yet put where it is to be, holds a program.
  private func holds(_ program: ManagedProgram, _ attachments: AttachmentIndex) -> Bool {
    attachments.attachments(ofProgram: program.id).contains { attachment in
      guard let pin = attachment.replacement as? PinReplacement else { return true }
      let isBeside = isThere && BPFSystem.path(whoseReplacementIs: pin.path) != nil
      return !isBeside && !CollectionStore.isStaged(pin.path, for: program.instance.collection)
    }
  }
}
