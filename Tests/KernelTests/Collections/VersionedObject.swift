// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import SystemPackage
import TestSupport

/// Objects that stand for versions of one: made of what a test names.
final class VersionedObject {
  private let folder: TemporaryFolder
  let path: String

  /// Compiles an object.
  ///
  /// - Parameters:
  ///   - programs: each returns `base` and 1 where `deny` is on, else `base` and 2, and counts its runs in `hits`.
  ///   - more: further definitions.
  ///   - isLiteral: has `base` in the code and not in .rodata: then versions of the object have all maps in common.
  init(
    base: Int = 0, programs: [String] = ["first", "second"], section: String = "xdp", entries: Int = 4,
    keys: String = "DEFINE_STATIC_KEY_FALSE(deny);", more: String = "", isLiteral: Bool = false
  ) throws {
    folder = try TemporaryFolder()
    path = folder.file("object.o")
    let context = section.hasPrefix("xdp") ? "struct xdp_md" : "struct __sk_buff"
    let bodies = programs.enumerated().map { index, name in
      """
      SEC("\(section)") int \(name)(\(context) *ctx)
      {
        __u32 slot = \(index);
        __u64 *n = bpf_map_lookup_elem(&hits, &slot);
        if (n)
          __sync_fetch_and_add(n, 1);
        total++;
        return (static_branch_unlikely(&deny) ? 1 : 2) + base;
      }
      """
    }
    let source = """
      #include "fixture.h"
      \(keys)
      struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, \(entries));
        __type(key, __u32);
        __type(value, __u64);
      } hits SEC(".maps");
      __u64 total;
      \(isLiteral ? "enum { base = \(base) };" : "const volatile __u32 base = \(base);")
      \(more)
      \(bodies.joined(separator: "\n"))
      char LICENSE[] SEC("license") = "GPL";

      """
    try ManyPrograms.compile(source, in: folder, to: path)
  }

  /// Another type of map under a name, for `more`.
  static func map(_ name: String) -> String {
    """
    struct {
      __uint(type, BPF_MAP_TYPE_HASH);
      __uint(max_entries, 8);
      __type(key, __u32);
      __type(value, __u64);
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
