// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A tc filter, as `tc filter add … bpf` and libbpf's `bpf_tc_attach` make them.
///
/// The kernel has no compare-and-swap here: the filter is looked at right before it is replaced.
struct FilterReplacement: Replacement {
  let system: BPFSystem
  let namespace: HeldNamespace
  let filter: ProgramFilter
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    try namespace.enter(system: system) { () throws(StaticKeysError) -> Bool in
      let found: UInt32?
      do throws(Errno) {
        let socket = try system.openRouteSocket()
        let current = try current(over: socket)
        found = current?.program
        if let current, current.program == old.id {
          try current.replaceProgram(by: new.fd, system: system, over: socket)
          return true
        }
      } catch .noSuchDevice {
        // The interface went away: nothing runs there any more.
        return false
      } catch {
        // The answer may have been lost, and not the request.
        if let now = try? current(over: system.openRouteSocket()), now.program == new.id { return true }
        throw .kernel(error, "cannot replace the program of \(description)", needs: [.netAdmin, .bpf])
      }
      throw .hookChanged(description, holds: found, not: old)
    }
  }

  /// The filter as it is now; nil if it, or what it hangs on, is gone.
  private func current(over socket: borrowing RouteSocket) throws(Errno) -> ProgramFilter? {
    do throws(Errno) {
      return try filter.current(system: system, over: socket)
    } catch .noSuchFileOrDirectory {
      return nil
    } catch .invalidArgument {
      return nil
    }
  }
}

extension HeldNamespace {
  /// All filters in this namespace, which this thread is in; one of a shared block once.
  func filterAttachments(
    interfaces: [Interface], system: BPFSystem, over socket: borrowing RouteSocket
  ) throws(Errno) -> [(program: UInt32, attachment: Attachment)] {
    let names = Dictionary(interfaces.map { ($0.index, $0.name) }) { first, _ in first }
    var seen: Set<[UInt32]> = []
    var found: [(program: UInt32, attachment: Attachment)] = []
    for qdisc in try Qdisc.all(system: system, over: socket) {
      for parent in try qdisc.filterParents(system: system, over: socket) {
        let filters = try ProgramFilter.all(of: qdisc.interface, parent: parent, system: system, over: socket)
        for filter in filters where seen.insert(filter.key).inserted {
          found.append((filter.program, attachment(filter, on: names[qdisc.interface], system: system)))
        }
      }
    }
    return found
  }

  private func attachment(_ filter: ProgramFilter, on device: String?, system: BPFSystem) -> Attachment {
    let place = filter.block.map { qualified("block \($0)") } ?? qualified(device ?? "ifindex \(filter.interface)")
    let side =
      FilterSide.allCases.first { $0.parent == filter.parent }?.rawValue
      ?? "parent \(handle(filter.parent))"
    let words =
      ["tc filter", place, filter.block == nil ? side : nil, filter.chain == 0 ? nil : "chain \(filter.chain)"]
      + ["pref \(filter.preference)", "handle 0x\(hexadecimal(filter.handle))"]
    let description = words.compactMap(\.self).joined(separator: " ")
    guard !filter.hasActions else {
      return Attachment(kind: "tc filter", description: "\(description) with actions of its own", replacement: nil)
    }
    return Attachment(
      kind: "tc filter", description: description,
      replacement: FilterReplacement(system: system, namespace: self, filter: filter, description: description))
  }

  /// A discipline's or class's number, as tc writes it: "1:" or "1:20".
  private func handle(_ number: UInt32) -> String {
    "\(hexadecimal(number >> 16)):" + (number & 0xffff == 0 ? "" : hexadecimal(number & 0xffff))
  }

  private func hexadecimal(_ number: UInt32) -> String { String(number, radix: 16) }
}
