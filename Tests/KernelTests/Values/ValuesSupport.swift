// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import Synchronization
import TestSupport

/// The pins of a collection's maps.
enum CollectionMaps {
  /// That of its .rodata: libbpf puts the object's name, as far as there is room for it, before the section's.
  static func rodata(_ collection: Collection) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(collection.report.directory)/maps")
    guard let name = names.first(where: { $0.hasSuffix("_rodata") }) else {
      throw HarnessError("no .rodata in \(names)")
    }
    return name
  }
}

extension Collection {
  /// How many bytes of instructions the verifier left of a program.
  func translatedLength(_ program: String) throws -> UInt32 {
    try BPF.info(BPF.open(pin: pin("progs", program)), bpf_prog_info()).xlated_prog_len
  }

  /// `set` with the error type that a `do throws` wants.
  func apply(_ assignments: String...) throws(StaticKeysError) {
    let wishes = try assignments.map { text throws(StaticKeysError) in try Assignment(text).wish(in: name) }
    try Changer(system: kernel).apply(wishes, engine: Self.engineForValues)
  }
}

/// Sets a variable to all zeroes and all ones again and again, beside the test.
final class ThreadOfSets: Sendable {
  private let state = Mutex<(isWanted: Bool, sets: Int, failure: (any Error)?)>((true, 0, nil))
  private let ended = DispatchSemaphore(value: 0)
  private let waited = Mutex(false)

  init(_ collection: Collection) {
    let name = collection.name
    let thread = Thread { [self] in
      while state.withLock({ $0.isWanted }) {
        do {
          for text in ["0", "0xffffffff"] { try Changer().apply([try Wish.value("\(name)/threshold", text)]) }
          state.withLock { $0.sets += 1 }
        } catch {
          state.withLock { $0.failure = error }
          break
        }
      }
      ended.signal()
    }
    thread.start()
  }

  /// Ends the thread; returns how often it has set the variable.
  @discardableResult
  func stop() throws -> Int {
    state.withLock { $0.isWanted = false }
    waited.withLock { waited in
      if !waited { ended.wait() }
      waited = true
    }
    let (sets, failure) = state.withLock { ($0.sets, $0.failure) }
    if let failure { throw failure }
    return sets
  }
}
