// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Where each program hangs, as the kernel told at one moment.
public struct AttachmentIndex: Sendable {
  private let attachments: [UInt32: [Attachment]]
  private let arrays: ProgramArrays

  /// Walks the kernel's links, the pins in bpffs and the program arrays, and asks the hooks that the programs can hang on by
  /// other means: tc filters and interfaces in all network namespaces, cgroups, socket maps.
  ///
  /// Requires CAP_SYS_ADMIN.
  /// - Parameter programs: the programs it is about: where none of them can hang nobody is asked.
  /// - Throws: `.permission` or `.kernel`.
  public init(system: BPFSystem, of programs: [ManagedProgram]) throws(StaticKeysError) {
    let hooks = ConcernedHooks(programs)
    let links = try Self.listed { () throws(Errno) in try LinkWalk(system: system) }
    let network = try Self.networkHooks(hooks, system: system, linked: links.hooks)
    let arrays = try Self.listed { () throws(Errno) in
      try ProgramArrays(system: system, holding: Set(programs.map(\.template.type)))
    }
    self.arrays = arrays
    let others = try Self.listed { () throws(Errno) in
      [
        try Self.cgroups(hooks: hooks.cgroup, system: system, linked: links.hooks),
        try Self.socketMaps(hooks: hooks.socketMap, system: system, linked: links.hooks),
        try arrays.attachments(links: links.attachments, system: system), try Self.pins(system: system),
      ]
    }
    // In this order: what runs a program comes before what only keeps it.
    attachments = ([links.attachments, network] + others).reduce(into: [:]) { all, part in
      all.merge(part, uniquingKeysWith: +)
    }
  }

  private static func listed<R>(_ body: () throws(Errno) -> R) throws(StaticKeysError) -> R {
    do throws(Errno) { return try body() } catch {
      throw .kernel(error, "cannot list what the kernel's programs hang on", needs: [.sysAdmin])
    }
  }

  /// Where a program hangs.
  public func attachments(ofProgram id: UInt32) -> [Attachment] { attachments[id] ?? [] }

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
