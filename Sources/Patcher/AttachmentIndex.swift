// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// Where each program hangs, as the kernel told at one moment.
public struct AttachmentIndex: Sendable {
  private let attachments: [UInt32: [Attachment]]

  /// Walks the kernel's links, the pins in bpffs and the program arrays.
  ///
  /// Requires CAP_SYS_ADMIN. What hangs on a hook by other means (a tc filter, XDP set by netlink, an old-style cgroup
  /// attachment) does not show here.
  /// - Throws: `.permission` or `.kernel`.
  public init(system: BPFSystem) throws(StaticKeysError) {
    do throws(Errno) {
      attachments = try [Self.links(system: system), Self.pins(system: system), Self.arraySlots(system: system)]
        .reduce(into: [:]) { all, part in all.merge(part, uniquingKeysWith: +) }
    } catch {
      throw .kernel(error, "cannot list what the kernel's programs hang on", needs: [.sysAdmin])
    }
  }

  /// Where a program hangs.
  public func attachments(ofProgram id: UInt32) -> [Attachment] { attachments[id] ?? [] }

  /// Whether all that holds a program are links whose interface or cgroup is gone: then it never runs again.
  func isSevered(_ id: UInt32) -> Bool {
    let attachments = attachments(ofProgram: id)
    return !attachments.isEmpty && attachments.allSatisfy(\.isSevered)
  }

  private static func arraySlots(system: BPFSystem) throws(Errno) -> [UInt32: [Attachment]] {
    var result: [UInt32: [Attachment]] = [:]
    for id in try system.ids(of: .map) {
      guard let map = try system.object(.map, id: id) else { continue }
      let info = try system.rawInfo(ofMap: map)
      guard info.type == BPF_MAP_TYPE_PROG_ARRAY.rawValue else { continue }
      for slot in try system.programs(inArray: map, entries: info.max_entries) {
        let description = "slot \(slot.index) of program array \(text(in: info.name)) (map \(id))"
        result[slot.programID, default: []].append(Attachment(description: description, replacement: nil))
      }
    }
    return result
  }
}
