// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport

/// A fixture loaded as a collection of its own name, unloaded when the test ends.
final class Collection {
  let name: String
  let report: LoadReport
  private let system: BPFSystem
  private let engine: EngineChoice

  /// The engine that this run of the tests is about: `STATICKEYS_TEST_ENGINE`, else what keyctl itself would choose.
  static let engineUnderTest =
    ProcessInfo.processInfo.environment["STATICKEYS_TEST_ENGINE"].flatMap(EngineChoice.init) ?? .auto

  private static let count = Atomic<Int>(0)

  /// A name that no other test process uses.
  static func newName() -> String { "t\(getpid())_\(count.add(1, ordering: .relaxed).newValue)" }

  init(
    _ fixture: String, clang version: Int = 19, set settings: [(String, Bool)] = [], attach: [String] = [],
    engine: EngineChoice = Collection.engineUnderTest, system: BPFSystem = BPFSystem()
  ) throws {
    self.engine = engine
    name = Self.newName()
    self.system = system
    let requests = try attach.map { text in
      guard let request = AttachRequest(text) else { throw HarnessError("no hook: \(text)") }
      return request
    }
    report = try CollectionLoader(system: system).load(
      FilePath(Fixture.object(fixture, clang: version)), name: name, settings: settings.map { (Glob($0.0), $0.1) },
      attach: requests, engine: engine)
  }

  deinit { _ = try? CollectionStore().remove(name) }

  /// Flips a key of this collection.
  @discardableResult
  func flip(_ action: KeyAction, _ key: String, dryRun: Bool = false) throws -> FlipReport {
    guard let pattern = KeyPattern("\(name)/\(key)") else { throw HarnessError("no pattern: \(key)") }
    return try KeyFlipper(system: system).flip(action, [pattern], engine: engine, dryRun: dryRun)
  }

  /// The state of a key of this collection, as the kernel tells now.
  func state(_ key: String) throws -> KeyStatus.State {
    guard let pattern = KeyPattern("\(name)/\(key)") else { throw HarnessError("no pattern: \(key)") }
    let keys = try Inventory.current().keys(matching: [pattern])
    guard let only = keys.first, keys.count == 1 else { throw HarnessError("\(keys.count) keys are called \(key)") }
    return only.state
  }

  /// The programs of this collection that run now, by name.
  func programs() throws -> [ManagedProgram] {
    try Inventory.current().programs.filter { $0.instance.collection == name }.sorted { $0.name < $1.name }
  }

  func pin(_ part: String, _ entry: String) -> String { "\(report.directory)/\(part)/\(entry)" }

  /// What a program of this collection returns for a packet, through its pin.
  func run(_ program: String, packet: [UInt8] = [UInt8](repeating: 0, count: 64)) throws -> UInt32 {
    try BPF.testRun(pin: pin("progs", program), data: packet)
  }
}
