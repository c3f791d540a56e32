// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import SystemPackage
import TestSupport

/// A version of one object, by its name in the table of Tests/Fixtures/Makefile.
struct VersionedObject {
  let path: String

  /// The version of a name; without one that with the programs `first` and `second` and the base 0.
  init(_ version: String? = nil) throws {
    path = try Fixture.object(version.map { "versioned-\($0)" } ?? "versioned", clang: 19)
  }

  /// A map of devices under a name, to which the kernel gives a flag that no author does.
  static func deviceMap(_ name: String) -> String {
    """
    struct {
      __uint(type, BPF_MAP_TYPE_DEVMAP);
      __uint(max_entries, 4);
      __uint(key_size, 4);
      __uint(value_size, 4);
    } \(name) SEC(".maps");
    """
  }
}

extension Collection {
  /// Loads a version's object under a name of its own.
  convenience init(_ object: VersionedObject, set settings: [(String, Bool)] = [], attach: [String] = []) throws {
    try self.init(object: object.path, set: settings, attach: attach)
  }

  /// Adds an object's programs to this collection.
  @discardableResult
  func add(
    _ object: VersionedObject, set settings: [(String, Bool)] = [], defaults: Bool = false, attach: [String] = [],
    system: BPFSystem = BPFSystem()
  ) throws -> LoadReport {
    try CollectionLoader(system: system).add(
      FilePath(object.path), to: name, settings: settings.map { (Glob($0.0), $0.1) }, defaults: defaults,
      attach: attach.compactMap(AttachRequest.init), engine: Self.engineUnderTest)
  }

  /// Puts an object in this collection's place.
  @discardableResult
  func replace(
    by object: VersionedObject, set settings: [(String, Bool)] = [], defaults: Bool = false, fresh: Set<String> = [],
    attach: [String] = [], dryRun: Bool = false, system: BPFSystem = BPFSystem()
  ) throws -> UpgradeReport {
    try CollectionLoader(system: system).replace(
      FilePath(object.path), name: name, settings: settings.map { (Glob($0.0), $0.1) }, defaults: defaults,
      fresh: fresh, attach: attach.compactMap(AttachRequest.init), engine: Self.engineUnderTest, dryRun: dryRun)
  }

  /// The pins under this collection's directory.
  var pins: [String] { BPFFSListing.files(under: report.directory.string) }

  /// Pins one of its programs a second time, and returns where.
  func pinAgain(_ program: String, as name: String) throws -> String {
    let path = pin("progs", name)
    try TestSupport.run(["bpftool", "prog", "pin", "pinned", pin("progs", program), path]).checked()
    return path
  }

  /// libbpf's name for a section's map: it starts with the object's name, as much of it as fits.
  func internalMap(_ section: String) -> String { name.prefix(15 - max(section.count, 7)) + section }

  /// The pin of a section's map, as `pins` has it.
  func internalPin(_ section: String) -> String { "maps/" + internalMap(section).replacing(".", with: "_") }

  /// How often the program of this number was counted in the map that is pinned.
  func hits(_ number: UInt32, map: String = "hits") throws -> UInt64 {
    try BPF.u64(BPF.open(pin: pin("maps", map)), at: number)
  }
}
