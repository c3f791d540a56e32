// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The kernel's program arrays, and what is in them.
struct ProgramArrays: Sendable {
  /// A program array that was found by its id.
  struct Entry: Sendable {
    let id: UInt32
    let name: String
    let fd: SharedFD
    let slots: [(index: UInt32, programID: UInt32)]
  }

  /// Those with a concerned program in one of their slots.
  private(set) var entries: [Entry] = []
  private let guards = DelayedClose()

  /// Takes in an array, with the slots that hold concerned programs. One that holds programs of other types is not
  /// looked into.
  ///
  /// Each entry of an array takes a call, some 0.3 µs: the kernel has no batch look-up for them, and asked for the next
  /// key it counts the empty ones too.
  mutating func insert(
    _ array: SharedFD, info: bpf_map_info, _ hooks: ConcernedHooks, system: BPFSystem
  ) throws(Errno) {
    guards.insert(array, id: info.id)
    // An array that has no owner's type yet has never held a program.
    guard let owner = Self.ownerType(of: array), hooks.types.contains(owner) else { return }
    let slots = try system.programs(inArray: array, entries: info.max_entries).filter {
      hooks.programs.contains($0.programID)
    }
    if !slots.isEmpty { entries.append(Entry(id: info.id, name: text(in: info.name), fd: array, slots: slots)) }
  }

  /// Told which maps are pinned, after all arrays were opened: nobody needs to wait for those.
  func release(pinned: Set<UInt32>) { guards.release(pinned) }

  /// Waits until arrays are gone whose last pin is: whoever opens one by its id before can make it stay for ever, see
  /// `DelayedClose`. Roots keep them while the kernel waits for all tasks that may be in a tracing program.
  static func waitUntilGone(_ ids: [UInt32], system: BPFSystem) {
    let deadline = ContinuousClock.now + .seconds(1)
    for id in ids {
      while (try? system.hasMap(id: id)) == true, ContinuousClock.now < deadline { usleep(2_000) }
    }
  }

  /// The type of the programs that an array takes; nil if none has used it so far. The kernel tells it in /proc alone.
  private static func ownerType(of array: SharedFD) -> UInt32? {
    let text = array.withRaw { try? FileText.read(FilePath("/proc/self/fdinfo/\($0)")) }
    let line = text?.split(separator: "\n").first { $0.hasPrefix("owner_prog_type:") }
    return line.flatMap { UInt32($0.drop { !$0.isNumber }) }
  }
}

/// Keeps program arrays that were opened by their id open for a moment.
///
/// When the last descriptor or pin of a program array goes, the kernel clears the array from a work queue. If in the
/// time between somebody opens it by its id and closes it again, Linux (6.18, prog_array_map_clear) counts a reference
/// that nobody will give back, and the array is never freed. Once the work queue has run, closing does no harm; it took
/// less than 4 ms.
private final class DelayedClose: Sendable {
  /// How long the kernel may take to clear an array whose last user is gone.
  private static let clearingTime = Duration.milliseconds(10)
  /// How many are open at once: a machine may have thousands.
  private static let most = 128

  private struct Opened {
    let id: UInt32
    let fd: SharedFD
    let time: ContinuousClock.Instant
  }

  private let arrays = Mutex<[Opened]>([])

  func insert(_ array: SharedFD, id: UInt32) {
    arrays.withLock { arrays in
      if arrays.count == Self.most {
        Self.wait(for: arrays[..<(Self.most / 2)])
        arrays.removeFirst(Self.most / 2)
      }
      arrays.append(Opened(id: id, fd: array, time: .now))
    }
  }

  /// The last user of an array that is pinned now has not gone.
  func release(_ pinned: Set<UInt32>) { arrays.withLock { $0.removeAll { pinned.contains($0.id) } } }

  deinit { arrays.withLock { Self.wait(for: $0[...]) } }

  private static func wait(for arrays: ArraySlice<Opened>) {
    guard let last = arrays.last else { return }
    let left = (clearingTime - last.time.duration(to: .now)) / .microseconds(1)
    if left > 0 { usleep(UInt32(left)) }
  }
}
