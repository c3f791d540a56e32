// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

/// All of the kernel's links at one moment. No descriptor of one stays open: a machine may have thousands.
struct LinkWalk {
  /// Where programs hang by links, by the program's id.
  private(set) var attachments: [UInt32: [Attachment]] = [:]
  /// The hooks behind the links.
  private(set) var hooks = LinkedHooks()

  /// Requires Linux 5.8 and CAP_SYS_ADMIN.
  ///
  /// - Parameter pins: where links are pinned, by their id.
  init(system: BPFSystem, pins: [UInt32: [FilePath]]) throws(Errno) {
    for id in try system.ids(of: .link) {
      guard let link = try system.object(.link, id: id) else { continue }
      let info = try system.rawInfo(ofLink: link)
      let kind = LinkKind(rawValue: info.type)
      let target = LinkTarget(info, kind: kind)
      let details = kind.isTracing ? TracingLinkInfo(of: link) : nil
      let description = "\(kind.name) link \(id)" + ((target.text ?? details?.target).map { " (\($0))" } ?? "")
      var replacement: (any Replacement)?
      var fixed: FixedLink?
      if kind.isReplaceable {
        replacement = LinkReplacement(system: system, link: id, description: description)
      } else if let details {
        replacement = TracingLinkReplacement(
          system: system, link: id, kind: kind, details: details, pins: pins[id] ?? [], description: description)
      } else {
        fixed = FixedLink(id: id, pins: pins[id] ?? [])
      }
      attachments[info.prog_id, default: []].append(
        Attachment(
          kind: "\(kind.name) link", description: description, replacement: replacement, fixedLink: fixed,
          isSevered: target.isGone))
      if let extended = target.extendedProgram {
        // A variant put in this program's place would run without it: no replacement.
        let text = "freplace link \(id), by which program \(info.prog_id) stands for one of its functions"
        attachments[extended, default: []].append(
          Attachment(kind: "freplace link", description: text, replacement: nil))
      }
      if let number = target.number, !target.isGone {
        hooks.insert(
          LinkedHook(kind: kind, program: info.prog_id, target: number, attachType: target.attachType))
      }
    }
  }
}

/// What a link is attached to.
struct LinkTarget {
  /// An interface's index, or the number of a cgroup, a namespace or a map; 0 if it is gone, nil if the link has none.
  let number: UInt64?
  /// Which of its hooks; 0 where it has only one.
  let attachType: UInt32
  private let noun: String
  /// The program one of whose functions the link's program stands for (freplace).
  let extendedProgram: UInt32?

  init(_ info: bpf_link_info, kind: LinkKind) {
    // No other tracing program has an attach type of 0.
    extendedProgram = kind == .tracing && info.tracing.attach_type == 0 ? info.tracing.target_obj_id : nil
    switch kind {
    case .xdp: (number, attachType, noun) = (UInt64(info.xdp.ifindex), 0, "interface")
    case .cgroup: (number, attachType, noun) = (info.cgroup.cgroup_id, info.cgroup.attach_type, "cgroup")
    // These structures are alike: two numbers, the second of them the attach type.
    case .tcx, .netkit, .netns, .sockmap:
      noun = kind == .netns ? "network namespace" : kind == .sockmap ? "map" : "interface"
      (number, attachType) = (UInt64(info.netns.netns_ino), info.netns.attach_type)
    default: (number, attachType, noun) = (nil, 0, "")
    }
  }

  /// Whether the link has outlived it.
  var isGone: Bool { number == 0 }

  var text: String? {
    guard let number else { return nil }
    if isGone { return "its \(noun) is gone" }
    return noun == "interface" ? "ifindex \(number)" : "\(noun) \(number)"
  }
}
