// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Where each program hangs, as the kernel told at one moment.
public struct AttachmentIndex: Sendable {
  private let attachments: [UInt32: [Attachment]]
  private let maps: MapWalk

  /// Walks the kernel's links, the pins in bpffs and the program arrays, and asks the hooks that the programs can hang on by
  /// other means: tc filters and interfaces in all network namespaces, cgroups, socket maps.
  ///
  /// Requires CAP_SYS_ADMIN.
  /// - Parameter programs: the programs it is about: where none of them can hang nobody is asked.
  /// - Throws: `.permission` or `.kernel`.
  public init(system: BPFSystem, of programs: [ManagedProgram]) throws(StaticKeysError) {
    let hooks = ConcernedHooks(programs)
    // A program hangs at few places that are kept open: a cgroup, an array, a namespace.
    DescriptorLimit.raise(toHold: programs.count * 4)
    let (maps, pins, links) = try Self.listed { () throws(Errno) in
      let maps = try MapWalk(hooks, system: system)
      let pins = try PinWalk(system: system)
      return (maps, pins, try LinkWalk(system: system, pins: pins.links))
    }
    maps.release(pinned: pins.maps)
    self.maps = maps
    let network = try Self.networkHooks(hooks, system: system, linked: links.hooks)
    let (cgroups, slots) = try Self.listed { () throws(Errno) in
      (
        try Self.cgroups(hooks, system: system, linked: links.hooks),
        try maps.arrays.attachments(links: links.attachments, system: system)
      )
    }
    let socketMaps = maps.socketMaps.reduce(into: [UInt32: [Attachment]]()) { found, hook in
      if let attachment = hook.attachment(system: system, linked: links.hooks) {
        found[hook.program, default: []].append(attachment)
      }
    }
    // In this order: what runs a program comes before what only keeps it.
    attachments = [links.attachments, network, cgroups, socketMaps, slots, pins.attachments].reduce(into: [:]) {
      all, part in all.merge(part, uniquingKeysWith: +)
    }
  }

  private static func listed<R>(_ body: () throws(Errno) -> R) throws(StaticKeysError) -> R {
    do throws(Errno) { return try body() } catch {
      throw .kernel(error, "cannot list what the kernel's programs hang on", needs: [.sysAdmin])
    }
  }

  /// Where a program hangs.
  public func attachments(ofProgram id: UInt32) -> [Attachment] { attachments[id] ?? [] }

  /// On what a program hangs, each kind once; what only a severed link keeps hangs on nothing.
  public func kinds(ofProgram id: UInt32) -> [String] {
    attachments(ofProgram: id).filter { !$0.isSevered }.map(\.kind).reduce(into: []) { kinds, kind in
      if !kinds.contains(kind) { kinds.append(kind) }
    }
  }

  /// Whether a program hangs on something that runs it: more than a pin.
  func hangsOnHook(_ id: UInt32) -> Bool {
    attachments(ofProgram: id).contains { !$0.isSevered && !($0.replacement is PinReplacement) }
  }

  /// Whether all that holds a program are links whose interface or cgroup is gone: then it never runs again.
  func isSevered(_ id: UInt32) -> Bool {
    let attachments = attachments(ofProgram: id)
    return !attachments.isEmpty && attachments.allSatisfy(\.isSevered)
  }
}
