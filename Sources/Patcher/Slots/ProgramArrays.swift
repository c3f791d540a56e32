// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
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

  /// How long the kernel may take to clear an array whose last user is gone.
  static let clearingTime = Duration.milliseconds(10)

  let entries: [Entry]
  private let guards: DelayedClose?

  /// Walks all arrays that can hold a program of one of these types (`enum bpf_prog_type`), of any if nil.
  ///
  /// Requires CAP_SYS_ADMIN. Each entry of an array takes a call, some 0.3 µs: the kernel has no batch look-up for them,
  /// and asked for the next key it counts the empty ones too.
  init(system: BPFSystem, holding types: Set<UInt32>?) throws(Errno) {
    var entries: [Entry] = []
    var opened: [UInt32: SharedFD] = [:]
    for id in try system.ids(of: .map) {
      guard let map = try system.object(.map, id: id) else { continue }
      let info = try system.rawInfo(ofMap: map)
      guard info.type == BPF_MAP_TYPE_PROG_ARRAY.rawValue else { continue }
      opened[id] = map
      // An array that has no owner's type yet has never held a program.
      guard let owner = Self.ownerType(of: map), types?.contains(owner) ?? true else { continue }
      let slots = try system.programs(inArray: map, entries: info.max_entries)
      entries.append(Entry(id: id, name: text(in: info.name), fd: map, slots: slots))
    }
    self.entries = entries
    guards = try DelayedClose(opened, system: system)
  }

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
  private let arrays: [SharedFD]
  private let opened = ContinuousClock.now

  /// Nil if each array is pinned: then its last user is not gone.
  init?(_ arrays: [UInt32: SharedFD], system: BPFSystem) throws(Errno) {
    guard !arrays.isEmpty else { return nil }
    let pinned = try Self.pinnedMaps(system: system)
    self.arrays = arrays.filter { !pinned.contains($0.key) }.map(\.value)
    if self.arrays.isEmpty { return nil }
  }

  deinit {
    let left = (ProgramArrays.clearingTime - opened.duration(to: .now)) / .microseconds(1)
    if left > 0 { usleep(UInt32(left)) }
  }

  private static func pinnedMaps(system: BPFSystem) throws(Errno) -> Set<UInt32> {
    var ids: Set<UInt32> = []
    for path in BPFFS.pins() {
      do throws(Errno) {
        let pinned = try system.openPin(path)
        if BPFFS.kind(of: pinned) == .map { ids.insert(try system.rawInfo(ofMap: pinned).id) }
      } catch .noSuchFileOrDirectory {
        continue
      } catch .permissionDenied {
        continue
      }
    }
    return ids
  }
}
