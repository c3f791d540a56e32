// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// What `GarbageCollector` did, or would do.
public struct GarbageReport: Sendable {
  /// A pin or directory, and what it was.
  public struct Item: Hashable, Sendable {
    /// Its path.
    public let path: FilePath
    /// Why nobody misses it.
    public let reason: String
  }

  /// What was removed, or would be.
  public internal(set) var removed: [Item] = []
  /// Pins that were missing for an addition or a change to be complete, and are now in place, or would be.
  public internal(set) var completed: [FilePath] = []
}

/// Removes what killed writers and vanished devices leave behind.
///
/// Garbage is, and nothing else: a directory in which a writer that lives no more put pins together; a collection's
/// directory without a pinned program, if no program of that collection runs; a collection's pin of a link whose device
/// or cgroup is gone, and an instance of which all links are so and no program hangs elsewhere; and a pin PATH__new of a
/// program, of a tracing link, or of a map with constants, beside a pin PATH of its other variant. All but such pins of
/// programs and links lie under /sys/fs/bpf/keyctl. Holding the writers' lock, it meets no directory that is still being
/// filled.
///
/// It completes what only the writer's end is missing of: additions that were settled, and pins of maps whose programs
/// use others by now.
public struct GarbageCollector: Sendable {
  let system: BPFSystem
  /// What one collection takes is a small part of the work.
  let store: CollectionStore

  /// Works through this door to the kernel.
  public init(system: BPFSystem = BPFSystem()) {
    self.system = system
    store = CollectionStore(system: system.unwatched)
  }

  /// Removes all garbage there is.
  ///
  /// - Parameter dryRun: tells of it, and leaves it.
  /// - Throws: `.permission` or `.kernel`.
  public func collect(dryRun: Bool = false) throws(StaticKeysError) -> GarbageReport {
    try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      var report = GarbageReport()
      try collectLeftovers(dryRun, &report)
      let programs = try Discovery.inventory(system: system).programs
      try collectCollections(dryRun, besides: Set(programs.map(\.instance.collection)), &report)
      let dead = try collectInstances(dryRun, of: programs, &report)
      try collectSeveredLinks(dryRun, besides: dead, &report)
      do throws(Errno) { try collectPins(dryRun, &report) } catch { throw Self.failure(error) }
      try collectMapPins(dryRun, usedBy: programs, &report)
      // Fails while there are collections.
      if !dryRun { try? system.removeDirectory(CollectionStore.root) }
      return report
    }
  }

  private func collectLeftovers(_ dryRun: Bool, _ report: inout GarbageReport) throws(StaticKeysError) {
    let leftovers = store.leftovers()
    let counter = ProgressCounter(.removing, of: leftovers.count, on: system)
    for leftover in leftovers {
      defer { counter.step() }
      let collection = CollectionStore.collection(ofLeftover: leftover)
      let reason = "a writer that was killed left it"
      if !dryRun {
        let recovered = try store.recover(collection)
        report.completed += recovered.completed ?? []
        report.removed += recovered.removed.map { .init(path: $0, reason: reason) }
      } else if store.isCompletable(leftover) {
        report.completed += store.pendingAddition(to: collection).map(\.to)
      } else {
        report.removed.append(.init(path: CollectionStore.directory(of: leftover), reason: reason))
      }
    }
  }

  private func collectCollections(
    _ dryRun: Bool, besides running: Set<String>, _ report: inout GarbageReport
  ) throws(StaticKeysError) {
    for collection in store.names() where !running.contains(collection) {
      let programs = store.places(of: collection).flatMap { place in
        BPFFS.entries(of: CollectionStore.directory(of: .programs, in: place))
      }
      guard programs.isEmpty, CollectionStore.isValid(name: collection) else { continue }
      if !dryRun { try store.removeTree(collection) }
      report.removed.append(
        .init(path: CollectionStore.directory(of: collection), reason: "no program of that collection runs"))
    }
  }

  private func collectPins(_ dryRun: Bool, _ report: inout GarbageReport) throws(Errno) {
    for path in BPFFS.pins() where BPFSystem.path(whoseReplacementIs: path) != nil {
      guard let pinned = try system.pinned(at: path), let left = try PinnedProgram(pinned, system: system),
        let replaced = try left.replaced(from: path, system: system)
      else { continue }
      try remove(path, beside: replaced, dryRun, &report)
    }
  }

  private func collectMapPins(
    _ dryRun: Bool, usedBy programs: [ManagedProgram], _ report: inout GarbageReport
  ) throws(StaticKeysError) {
    let collections = store.names()
    for place in collections.flatMap({ store.places(of: $0) }) {
      for (pin, replaced) in try ConstantPins(in: place, system: system).left {
        do throws(Errno) { try remove(pin, beside: replaced, dryRun, &report) } catch { throw Self.failure(error) }
      }
    }
    let stale = try MapPins(of: Set(collections), usedBy: programs, system: system)
    if !dryRun { try stale.commit() }
    report.completed += stale.paths
  }

  private func remove(
    _ left: FilePath, beside replaced: FilePath, _ dryRun: Bool, _ report: inout GarbageReport
  ) throws(Errno) {
    if !dryRun { try system.unlink(left) }
    report.removed.append(.init(path: left, reason: "it was to be renamed over \(replaced)"))
  }

  static func failure(_ errno: Errno) -> StaticKeysError {
    .kernel(errno, "cannot look for garbage", needs: [.sysAdmin])
  }
}
