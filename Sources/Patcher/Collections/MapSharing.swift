// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// Which maps of a running collection an object takes over in place of its own, by name.
///
/// A map of the same name and shape is shared. Constants (`.rodata`, `.kconfig`) never are: the object's own are new.
struct MapSharing: Sendable {
  /// What becomes of variables (`.data`, `.bss`) whose layout is another.
  enum OtherLayout: Sendable {
    case refuse
    case ownMap
  }

  let system: BPFSystem
  /// The collection's maps, by the names of their pins.
  let pinned: [String: SharedFD]
  /// The maps that are to be new all the same, by their names in C, or those of their sections.
  var fresh: Set<String> = []
  var otherLayout = OtherLayout.refuse

  /// Gives an object the collection's maps, before it is loaded.
  ///
  /// - Returns: the names of those it took.
  /// - Throws: `.exists` for a map of another shape; `.notFound` for one that is to be new and is not the object's.
  func share(with object: borrowing OpenObject) throws(StaticKeysError) -> Set<String> {
    var shared: Set<String> = []
    var own: [String] = []
    var refused: [StaticKeysError] = []
    try object.forEachDefinedMap { map throws(StaticKeysError) in
      own.append(map.title)
      guard !map.isConstant, !fresh.contains(map.title), let fd = pinned[CollectionStore.pinName(map.name)] else {
        return
      }
      let (old, new) = (try MapShape(of: fd, named: map.name, system: system), MapShape(map, in: object))
      if new.isMet(by: old) {
        try reuse(fd, as: map)
        shared.insert(map.name)
      } else if !map.isInternal || otherLayout == .refuse {
        refused.append(refusal(map.title, old: old, new: new))
      }
    }
    if let unknown = fresh.first(where: { !own.contains($0) }) {
      throw StaticKeysError(
        .notFound, "the object has no map '\(unknown)'", advice: "it has \(own.joined(separator: ", "))")
    }
    if let refusal = StaticKeysError(all: refused) { throw refusal }
    return shared
  }

  private func reuse(_ fd: SharedFD, as map: ObjectMap) throws(StaticKeysError) {
    let status = fd.withRaw { bpf_map__reuse_fd(map.raw, $0) }
    guard status == 0 else {
      throw .kernel(Errno(rawValue: -status), "libbpf cannot take over the map '\(map.name)'")
    }
  }

  private func refusal(_ name: String, old: MapShape, new: MapShape) -> StaticKeysError {
    StaticKeysError(
      .exists, "the collection's map '\(name)' has another shape: \(old); the object's: \(new)",
      advice: otherLayout == .refuse
        ? "--fresh-map \(name) starts with a new, empty one" : "give it another name in the object")
  }
}

/// A map that an `OpenObject` defines.
struct ObjectMap {
  let raw: OpaquePointer

  /// The name in C, or that of its section.
  var name: String { String(cString: bpf_map__name(raw)) }
  /// Whether it holds a section of variables.
  var isInternal: Bool { bpf_map__is_internal(raw) }
  /// What the author calls it: of a section's map, which libbpf names after the object too, the section.
  var title: String { isInternal ? String(name.drop { $0 != "." }) : name }
  /// Whether what it holds is fixed when the object is loaded.
  var isConstant: Bool { isInternal && (title.hasPrefix(".rodata") || title.hasPrefix(".kconfig")) }
}

extension OpenObject {
  /// Calls `body` with each map that the object defines.
  func forEachDefinedMap<E: Error>(_ body: (ObjectMap) throws(E) -> Void) throws(E) {
    var map = bpf_object__next_map(raw, nil)
    while let current = map {
      try body(ObjectMap(raw: current))
      map = bpf_object__next_map(raw, current)
    }
  }
}
