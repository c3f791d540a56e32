// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A slot of a program array, through which programs tail-call what is in it.
///
/// The kernel has no compare-and-swap for it: what is there is looked at first, and a writer that is no keyctl may come
/// in between.
struct ArraySlotReplacement: Replacement {
  let system: BPFSystem
  let array: SharedFD
  let index: UInt32
  let description: String

  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool {
    let current: UInt32?
    do throws(Errno) { current = try system.program(inArray: array, at: index) } catch { throw failure(error) }
    guard current == old.id else { throw .hookChanged(description, holds: current ?? 0, not: old) }
    do throws(Errno) { try system.put(new.fd, inArray: array, at: index) } catch { throw failure(error) }
    return true
  }

  private func failure(_ errno: Errno) -> StaticKeysError {
    .kernel(errno, "cannot replace the program in \(description)", needs: [.bpf])
  }
}

extension ProgramArrays {
  /// All slots that hold a program, by its id.
  func attachments(
    links: [UInt32: [Attachment]], system: BPFSystem
  ) throws(Errno) -> [UInt32: [Attachment]] {
    let roots = try SlotRoots(of: self, links: links, system: system)
    var result: [UInt32: [Attachment]] = [:]
    for array in entries {
      for slot in array.slots {
        let description =
          roots.description(of: array) ?? "slot \(slot.index) of program array \(array.name) (map \(array.id))"
        let replacement = ArraySlotReplacement(
          system: system, array: array.fd, index: slot.index, description: description)
        result[slot.programID, default: []].append(
          Attachment(kind: "slot", description: description, replacement: replacement))
      }
    }
    return result
  }
}
