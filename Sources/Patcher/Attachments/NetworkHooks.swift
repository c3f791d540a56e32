// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

extension AttachmentIndex {
  /// What interfaces and namespaces hold by other means than links, in every network namespace that can be found.
  static func networkHooks(
    _ hooks: ConcernedHooks, system: BPFSystem, linked: LinkedHooks
  ) throws(StaticKeysError) -> [UInt32: [Attachment]] {
    guard hooks.anyInNamespaces else { return [:] }
    var result: [UInt32: [Attachment]] = [:]
    try HeldNamespace.forEach(system: system) { namespace throws(StaticKeysError) in
      let found = try namespace.enter(system: system) { () throws(StaticKeysError) in
        try namespace.attachments(hooks, system: system, linked: linked)
      }
      for (program, attachment) in found where hooks.programs.contains(program) {
        result[program, default: []].append(attachment)
      }
    }
    return result
  }
}

extension HeldNamespace {
  fileprivate func attachments(
    _ hooks: ConcernedHooks, system: BPFSystem, linked: LinkedHooks
  ) throws(StaticKeysError) -> [(program: UInt32, attachment: Attachment)] {
    var found: [(program: UInt32, attachment: Attachment)] = []
    let interfaces: [Interface]
    do throws(Errno) {
      if hooks.flowDissector, let one = try flowDissectorAttachment(system: system, linked: linked) {
        found.append(one)
      }
      guard hooks.xdp || hooks.trafficControl else { return found }
      let socket = try system.openRouteSocket()
      interfaces = try Interface.all(system: system, over: socket)
      if hooks.trafficControl {
        found += try filterAttachments(interfaces: interfaces, system: system, over: socket)
        for interface in interfaces { found += try interface.programAttachments(in: self, system: system) }
      }
    } catch {
      let place = name.map { "network namespace \($0)" } ?? "this network namespace"
      throw .kernel(error, "cannot list what the interfaces of \(place) hold", needs: [.netAdmin])
    }
    if hooks.xdp {
      for interface in interfaces {
        found += try interface.xdpAttachments(of: hooks.programs, in: self, system: system, linked: linked)
      }
    }
    return found
  }
}
