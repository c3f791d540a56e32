// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The one door to the kernel: every call that reads or changes BPF objects, their pins or their hooks goes through it.
///
/// It stands on libbpf's low-level calls (bpf/bpf.h), which retry what the kernel wants retried. Tests put a gate into
/// it that records each call and can answer in the kernel's place with an errno.
public struct BPFSystem: Sendable {
  /// Asked before each call; what it throws is the call's result.
  public typealias Gate = @Sendable (Call) throws(Errno) -> Void

  /// The calls there are, by what they do.
  public enum Call: String, Sendable, CaseIterable {
    case programLoad, programBindMap, programNextID, programByID, programInfo
    case mapCreate, mapUpdate, mapLookup, mapNextKey, mapFreeze, mapMemory, mapNextID, mapByID, mapInfo
    case linkCreate, rawTracepointOpen, perfEventOpen, linkUpdate, linkDetach, linkNextID, linkByID, linkInfo
    case btfLoad, btfByID, staticBranchUpdate
    case programQuery, programAttach, xdpReplace
    case namespaceOpen, namespaceEnter, cgroupOpen, netlinkOpen, netlinkDump, netlinkGet, filterReplace
    case pin, openPin, rename, unlink, makeDirectory, removeDirectory, mount, lock
  }

  /// Told how far whatever goes through the door has come; on any thread, one call after the other.
  public typealias Watcher = @Sendable (Progress) -> Void

  let gate: Gate?
  let watcher: Watcher?

  /// The running kernel, behind `gate` where there is one.
  public init(gate: Gate? = nil, watcher: Watcher? = nil) {
    self.gate = gate
    self.watcher = watcher
  }

  /// Makes a call that answers like libbpf: negative is an error, whose number is the errno.
  func call(_ call: Call, _ body: () -> Int32) throws(Errno) -> Int32 {
    try gate?(call)
    let result = body()
    guard result >= 0 else { throw Errno(rawValue: -result) }
    return result
  }

  /// Makes a call that answers like libc: negative is an error, and `errno` tells which.
  func libcCall(_ call: Call, _ body: () -> Int32) throws(Errno) -> Int32 {
    try self.call(call) { body() < 0 ? -Glibc.errno : 0 }
  }

  /// Makes a call that answers with a new descriptor.
  func open(_ call: Call, _ body: () -> Int32) throws(Errno) -> SharedFD {
    SharedFD(OwnedFD(owning: try self.call(call, body)))
  }
}
