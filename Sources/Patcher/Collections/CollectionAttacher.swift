// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Attaches programs of a collection, by links or behind slots, and pins what keeps them there.
struct CollectionAttacher {
  private let store: CollectionStore
  private let collection: String
  private let way: AttachWay
  /// Each program has one slot, however many hooks its root hangs on: a flip is one map update for all of them.
  private var roots: [String: OpenProgram] = [:]
  private var count = 0

  /// - Parameter number: the first number for links' pins.
  init(store: CollectionStore, collection: String, way: AttachWay, from number: Int = 0) {
    self.store = store
    self.collection = collection
    self.way = way
    count = number
  }

  /// Attaches programs to hooks, in this order.
  mutating func attach(
    _ targets: [(program: OpenProgram, hook: Hook)], counter: ProgressCounter
  ) throws(StaticKeysError) -> [(program: String, hook: Hook, behindSlot: Bool)] {
    var links: [(program: String, hook: Hook, behindSlot: Bool)] = []
    for (program, hook) in targets {
      let behindSlot = try attach(program, to: hook)
      links.append((program.program.name, hook, behindSlot))
      counter.step()
    }
    return links
  }

  /// Lets more hooks be given to the root of a slot that is there already.
  mutating func reuse(root: OpenProgram) { roots[root.program.name] = root }

  /// Attaches a program to a hook.
  ///
  /// - Returns: whether it hangs there behind a slot.
  mutating func attach(_ program: OpenProgram, to hook: Hook) throws(StaticKeysError) -> Bool {
    let usesSlot = way.usesSlot(at: hook)
    let attached = usesSlot ? try root(for: program) : program
    let links = try hook.attach(attached, system: store.system)
    for (index, link) in links.enumerated() {
      let name = "\(program.program.name)_\(count)" + (links.count == 1 ? "" : "_\(index)")
      try store.pin(link, as: name, part: .links, of: collection)
    }
    count += 1
    return usesSlot
  }

  private mutating func root(for program: OpenProgram) throws(StaticKeysError) -> OpenProgram {
    let name = program.program.name
    if let root = roots[name] { return root }
    let slot = try Slot(for: program, system: store.system)
    try store.pin(slot.array, as: name, part: .slots, of: collection)
    try store.pin(slot.root.fd, as: "\(name)-root", part: .slots, of: collection)
    roots[name] = slot.root
    return slot.root
  }
}

extension AttachWay {
  /// Whether a program goes behind a slot at this hook.
  func usesSlot(at hook: Hook) -> Bool { self == .slot || self == .auto && !hook.replacesPrograms }
}
