// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization
import SystemPackage

/// What is to be written into one map of variables: bits of its value, and nothing beside them.
struct VariableEdit: Sendable {
  let map: DataMap
  /// The whole value as it would be.
  var bytes: [UInt8]
  /// The bits that somebody asked for, of each number or text by itself.
  var written: [Range<Int>] = []
}

/// Writes of variables into a map's memory: what programs do to other variables meanwhile is not lost.
final class VariableWrites: TransactionStep {
  private let memory: MapMemory
  private let edit: VariableEdit
  private let isInForce = Mutex(false)

  /// Makes the map's memory accessible.
  ///
  /// - Throws: `.unsupported` for a map that user space cannot see the memory of, `.changedMeanwhile` if it is gone.
  init(_ edit: VariableEdit, system: BPFSystem) throws(StaticKeysError) {
    let place = Place(section: edit.map.section.name)
    guard edit.map.shape.isMappable else {
      throw StaticKeysError(
        .unsupported,
        "the map \(edit.map.shape.name) can only be written as a whole, which would set back what programs write meanwhile",
        at: place, advice: "make the variable global, or a 'const volatile' one")
    }
    let memory: MapMemory?
    do throws(Errno) {
      let fd = try system.object(.map, id: edit.map.id)
      memory = try fd.map { fd throws(Errno) in try system.mapMemory(of: fd, size: edit.map.bytes.count) }
    } catch {
      throw .kernel(error, "cannot write the map \(edit.map.shape.name)", at: place, needs: [.sysAdmin])
    }
    guard let memory else {
      throw StaticKeysError(
        .changedMeanwhile, "the map \(edit.map.shape.name) is gone", at: place, advice: "run the command again")
    }
    self.memory = memory
    self.edit = edit
  }

  func commit() {
    isInForce.withLock { $0 = true }
    write(edit.bytes)
  }

  func revert() {
    guard isInForce.withLock({ $0 }) else { return }
    write(edit.map.bytes)
    isInForce.withLock { $0 = false }
  }

  var standing: [String] { isInForce.withLock { $0 } ? ["variables in \(edit.map.shape.name)"] : [] }

  private func write(_ bytes: [UInt8]) {
    for bits in edit.written {
      let range = bits.lowerBound / 8..<(bits.upperBound + 7) / 8
      if bits.lowerBound % 8 == 0, bits.upperBound % 8 == 0 {
        memory.store(bytes[range], at: range.lowerBound)
      } else {
        memory.merge(bytes[range], mask: ValueLocation.mask(of: bits, in: bytes.count)[range], at: range.lowerBound)
      }
    }
  }
}
