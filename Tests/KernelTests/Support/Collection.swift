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
  /// The door through which it was loaded.
  var kernel: BPFSystem { system }
  private let engine: EngineChoice

  /// The engine that this run of the tests is about: `STATICKEYS_TEST_ENGINE`, else what keyctl itself would choose.
  static let engineUnderTest =
    ProcessInfo.processInfo.environment["STATICKEYS_TEST_ENGINE"].flatMap(EngineChoice.init) ?? .auto

  /// The engine for changes of values: a constant changes only by a reload, which a change by `patch` alone refuses.
  static let engineForValues: EngineChoice = engineUnderTest == .patch ? .auto : engineUnderTest

  /// Whether what this run loads is flipped in place, so that its programs keep their ids.
  static let flipsInPlace = engineUnderTest != .reload && KernelFeatures().engine == .patch

  /// The option by which `keyctl load` loads for that engine.
  static let engineOption = "--engine=\(engineUnderTest.rawValue)"

  private static let count = Atomic<Int>(0)

  /// A name that no other test process uses.
  static func newName() -> String { "t\(getpid())_\(count.add(1, ordering: .relaxed).newValue)" }

  convenience init(
    _ fixture: String, clang version: Int = 19, set settings: [(String, Bool)] = [], values: [String] = [],
    attach: [String] = [], via way: AttachWay = .auto, engine: EngineChoice = Collection.engineUnderTest,
    system: BPFSystem = BPFSystem()
  ) throws {
    try self.init(
      object: Fixture.object(fixture, clang: version), set: settings, values: values, attach: attach, via: way,
      engine: engine, system: system)
  }

  /// Loads an object that is no fixture.
  init(
    object: String, name: String? = nil, set settings: [(String, Bool)] = [], values: [String] = [],
    attach: [String] = [], via way: AttachWay = .auto,
    engine: EngineChoice = Collection.engineUnderTest, system: BPFSystem = BPFSystem()
  ) throws {
    self.engine = engine
    self.name = name ?? Self.newName()
    self.system = system
    let requests = try attach.map { text in
      guard let request = AttachRequest(text) else { throw HarnessError("no hook: \(text)") }
      return request
    }
    let initial = try values.map { try Assignment($0).initialValue() }
    report = try CollectionLoader(system: system).load(
      FilePath(object), name: self.name, settings: settings.map { (Glob($0.0), $0.1) },
      values: initial, attach: requests, via: way, engine: engine)
  }

  deinit { _ = try? CollectionStore().remove(name) }

  /// Flips a key of this collection.
  @discardableResult
  func flip(_ action: KeyAction, _ key: String, dryRun: Bool = false, engine: EngineChoice? = nil) throws
    -> ChangeReport
  {
    guard let pattern = KeyPattern("\(name)/\(key)") else { throw HarnessError("no pattern: \(key)") }
    return try Changer(system: system).flip(action, [pattern], engine: engine ?? self.engine, dryRun: dryRun)
  }

  /// The state of a key of this collection, as the kernel tells now.
  func state(_ key: String) throws -> KeyStatus.State {
    guard let pattern = KeyPattern("\(name)/\(key)") else { throw HarnessError("no pattern: \(key)") }
    let found = try ValueIndex(of: Inventory.current()).matches(for: [pattern], among: .switches)
    guard found.count == 1 else { throw HarnessError("\(found.count) keys are called \(key)") }
    return found.switchState
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
