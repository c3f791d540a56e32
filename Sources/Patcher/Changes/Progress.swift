// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How far work has come that may take long.
public struct Progress: Hashable, Sendable {
  /// The parts that such work has, in the order in which a command comes to them; none has all of them.
  public enum Phase: String, Sendable, CaseIterable {
    /// Another process writes.
    case waiting
    /// The kernel's programs are looked through.
    case reading
    /// New programs are loaded, or instances.
    case loading
    /// Programs get onto their hooks.
    case attaching
    /// New programs, maps and values take the place of old ones.
    case replacing
    /// Pins and links go.
    case removing
  }

  /// What is being done.
  public let phase: Phase
  /// How much of it is done; it never falls within a phase.
  public let done: Int
  /// How much there is to do; 0 where that cannot be told.
  public let all: Int
}

/// Counts what is done of one part of the work, and tells whoever watches the kernel's door.
///
/// Any thread may count: the numbers are told in their order.
final class ProgressCounter: Sendable {
  private let phase: Progress.Phase
  private let all: Int
  private let watcher: BPFSystem.Watcher?
  private let done = Mutex(0)

  /// Begins a part; nothing is told of one without anything to do.
  init(_ phase: Progress.Phase, of all: Int, on system: BPFSystem) {
    self.phase = phase
    self.all = all
    watcher = all > 0 ? system.watcher : nil
    watcher?(Progress(phase: phase, done: 0, all: all))
  }

  /// One more is done.
  func step() { change { $0 + 1 } }

  /// So many are done.
  func reach(_ number: Int) { change { max($0, number) } }

  private func change(_ change: (Int) -> Int) {
    guard let watcher else { return }
    done.withLock { done in
      done = min(change(done), all)
      watcher(Progress(phase: phase, done: done, all: all))
    }
  }
}

extension BPFSystem {
  /// The same door with nobody watching: for what is a small part of work that is counted as a whole.
  var unwatched: BPFSystem { BPFSystem(gate: gate) }
}
