// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// What it takes to put a new object in a running collection's place; making it changes nothing.
struct CollectionUpgrade {
  let running: RunningCollection
  let loaded: LoadedObject
  let replaced: [ReplacedProgram]
  /// Programs that the collection does not have, or not by a pin of its own.
  let unpinned: [OpenProgram]
  /// Programs that the object does not have.
  let removed: [ManagedProgram]
  let targets: [(program: OpenProgram, hook: Hook)]

  /// A program and those in whose places it comes.
  struct ReplacedProgram {
    let program: OpenProgram
    let old: [ManagedProgram]
    let swap: ProgramSwap
  }

  /// - Throws: `.unsupported` for a program that changes its kind, or hangs where it cannot be replaced.
  init(
    of running: RunningCollection, to loaded: LoadedObject, attach: [AttachRequest], system: BPFSystem
  ) throws(StaticKeysError) {
    self.running = running
    self.loaded = loaded
    let attachments = try AttachmentIndex(system: system, of: running.programs)
    let store = CollectionStore(system: system)
    var replaced: [ReplacedProgram] = []
    for program in loaded.programs {
      let old = running.programs.filter { $0.name == program.program.name }
      let isBehindSlot = try store.slotRoot(of: program.program.name, in: running.name) != nil
      for one in old {
        try program.program.requireSameKind(as: one)
        if isBehindSlot { try program.program.requireNoMore(than: one) }
      }
      var places: [ProgramSwap.HeldPlace] = []
      for one in old { places += try ProgramSwap.places(of: one, attachments: attachments, system: system) }
      guard !old.isEmpty else { continue }
      let name = "\(running.name)/\(program.program.name)"
      let new = ProgramHandle(id: program.program.id, fd: program.fd)
      replaced.append(
        ReplacedProgram(program: program, old: old, swap: ProgramSwap(of: name, new: new, places: places)))
    }
    self.replaced = replaced
    let pins = Set(BPFFS.entries(of: CollectionStore.directory(of: .programs, in: running.name)).map(\.name))
    unpinned = loaded.programs.filter { !pins.contains(CollectionStore.pinName($0.program.name)) }
    let names = Set(loaded.programs.map(\.program.name))
    removed = running.programs.filter { !names.contains($0.name) }
    var targets: [(program: OpenProgram, hook: Hook)] = []
    for (program, hook) in try loaded.targets(of: attach) {
      var own = Set(replaced.filter { $0.program.program.id == program.program.id }.flatMap(\.old).map(\.id))
      if let root = try store.slotRoot(of: program.program.name, in: running.name) {
        own.insert(try root.programID(system: system))
      }
      // A command that was killed may have attached it.
      if try !hook.holds(oneOf: own, as: program.program, system: system) { targets.append((program, hook)) }
    }
    self.targets = targets
  }

  /// The programs that give way.
  var old: [ManagedProgram] { replaced.flatMap(\.old) + removed }

  /// Puts the new programs in the old ones' places; a kill at any moment leaves what the same upgrade completes.
  ///
  /// - Parameter staged: where new pins are put together.
  /// - Returns: the hooks taken.
  /// - Throws: what went wrong, with nothing changed.
  func commit(
    in staged: String, way: AttachWay, system: BPFSystem
  ) throws(StaticKeysError) -> [(program: String, hook: Hook, behindSlot: Bool)] {
    let store = CollectionStore(system: system)
    let links = try store.pin(
      unpinned, loaded.maps, targets: targets, way: way, for: running, in: staged, ownNames: false)
    let steps: [any TransactionStep] = replaced.map(\.swap) + [Settling(store: store, collection: running.name)]
    try Transaction(steps: steps, system: system).commit()
    return links
  }

  /// Moves new pins to the collection, and removes what the object does not have.
  ///
  /// - Throws: `.partlyApplied`.
  func tidy(_ store: CollectionStore) throws(StaticKeysError) {
    do throws(StaticKeysError) {
      try store.completeAddition(to: running.name)
      try store.remove(
        programs: removed, mapsBut: Set(loaded.maps.map { CollectionStore.pinName($0.name) }), of: running.name)
    } catch {
      throw .tidyingFailed(error)
    }
  }
}

/// The step that makes staged pins the collection's.
private final class Settling: TransactionStep {
  private let store: CollectionStore
  private let collection: String

  init(store: CollectionStore, collection: String) {
    self.store = store
    self.collection = collection
  }

  func commit() throws(StaticKeysError) { try store.settleAddition(to: collection) }

  // It is the last step: whatever fails, fails before it is in force.
  func revert() {}

  var standing: [String] { [] }
}

extension CollectionStore {
  /// Detaches and unpins programs of a collection, and unpins its maps but for some.
  fileprivate func remove(
    programs: [ManagedProgram], mapsBut kept: Set<String>, of collection: String
  ) throws(StaticKeysError) {
    let (ids, names) = (Set(programs.map(\.id)), Set(programs.map(\.name)))
    do throws(Errno) {
      for (path, name) in pins(.links, of: collection) {
        let link = try system.openPin(path)
        guard try ids.contains(system.rawInfo(ofLink: link).prog_id) || names.contains(Self.program(ofLinkPin: name))
        else { continue }
        try detach(path)
        try system.unlink(path)
      }
      for (path, name) in pins(.slots, of: collection)
      where names.contains(name) || names.contains(String(name.dropLast("-root".count))) && name.hasSuffix("-root") {
        try system.unlink(path)
      }
      for (path, _) in pins(.programs, of: collection) {
        let program = try system.openPin(path)
        if try ids.contains(system.rawInfo(ofProgram: program).id) { try system.unlink(path) }
      }
      for (path, name) in pins(.maps, of: collection) where !kept.contains(name) { try system.unlink(path) }
    } catch {
      throw .kernel(
        error, "cannot remove what the object does not have", at: Place(file: Self.directory(of: collection).string),
        needs: [.sysAdmin])
    }
  }

  private func pins(_ part: Part, of collection: String) -> [(path: FilePath, name: String)] {
    let directory = Self.directory(of: part, in: collection)
    return BPFFS.entries(of: directory).map { (directory.appending($0.name), $0.name) }
  }

  /// "PROG" of "PROG_0" or "PROG_0_1", as links are pinned.
  private static func program(ofLinkPin name: String) -> String {
    String(name.prefixMatch(of: /.*?(?=(_[0-9]+){1,2}$)/)?.0 ?? "")
  }
}

extension LoadedProgram {
  /// - Throws: `.unsupported` if one cannot stand in the other's place.
  fileprivate func requireSameKind(as old: ManagedProgram) throws(StaticKeysError) {
    let (was, now) = (old.template, template)
    guard was.type == now.type, was.attachBTFID == now.attachBTFID,
      was.expectedAttachType == now.expectedAttachType || Hook.takesAnyAttachType(now.type)
    else {
      throw StaticKeysError(
        .unsupported, "the program is of another kind than the one that runs: it cannot take its place", at: old.place,
        advice: "give it another name, or unload the collection first")
    }
  }

  /// - Throws: `.unsupported` if it wants from the kernel what the root of the old one's slot does not ask for.
  fileprivate func requireNoMore(than old: ManagedProgram) throws(StaticKeysError) {
    guard template.asksForFunctionAddress, !old.template.asksForFunctionAddress else { return }
    throw StaticKeysError(
      .unsupported, "it calls bpf_get_func_ip(), and the root of its slot was made for a program that does not",
      at: old.place, advice: "unload the collection and load it anew")
  }
}

extension SharedFD {
  fileprivate func programID(system: BPFSystem) throws(StaticKeysError) -> UInt32 {
    do throws(Errno) {
      return try system.rawInfo(ofProgram: self).id
    } catch {
      throw .kernel(error, "cannot read a program")
    }
  }
}
