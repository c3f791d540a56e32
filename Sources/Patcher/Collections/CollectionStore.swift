// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The directory of a collection in bpffs: pins of its programs, maps and links, in a directory each; and one of that form
/// for each instance.
///
/// The pins keep a collection alive; nothing reads them to learn about it.
public struct CollectionStore: Sendable {
  /// Where all collections are.
  public static let root: FilePath = BPFFS.defaultMountPoint.appending("keyctl")

  let system: BPFSystem

  /// A store in this kernel's bpffs.
  public init(system: BPFSystem = BPFSystem()) { self.system = system }

  /// The kinds of pins, in the order in which they are removed: what runs first.
  enum Part: String, CaseIterable {
    case links, slots, programs = "progs", maps
  }

  /// The names of the collections there are.
  public func names() -> [String] {
    BPFFS.entries(of: Self.root).filter { $0.isDirectory && !Self.isStaging($0.name) }.map(\.name).sorted()
  }

  /// A collection's directory.
  public static func directory(of collection: String) -> FilePath { root.appending(collection) }

  static func directory(of part: Part, in collection: String) -> FilePath {
    directory(of: collection).appending(part.rawValue)
  }

  /// An instance, by what stands for a collection wherever pins are meant.
  static func instance(_ name: String, of collection: String) -> String { "\(collection)/\(instanceFolder)/\(name)" }

  static let instanceFolder = "instances"

  /// The names of a collection's instances.
  public func instances(of collection: String) -> [String] {
    BPFFS.entries(of: Self.directory(of: collection).appending(Self.instanceFolder)).filter(\.isDirectory).map(\.name)
      .sorted()
  }

  /// A collection and its instances, by what stands for a collection wherever pins are meant.
  func places(of collection: String) -> [String] {
    instances(of: collection).map { Self.instance($0, of: collection) } + [collection]
  }

  /// Whether a name can be a directory in bpffs, and be told from a pattern and from what keyctl makes beside it: letters,
  /// digits, `_` and `-`.
  public static func isValid(name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 64 && !isStaging(name)
      && name.utf8.allSatisfy { c in
        KeyName(String(UnicodeScalar(c))) != nil || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(c)
          || c == UInt8(ascii: "-")
      }
  }

  /// A pin's file name: bpffs keeps names with dots for itself.
  static func pinName(_ name: String) -> String { String(name.map { $0 == "." || $0 == "/" ? "_" : $0 }) }

  /// - Throws: `.exists` if there is a collection of that name.
  func requireFree(_ collection: String) throws(StaticKeysError) {
    guard names().contains(collection) else { return }
    throw StaticKeysError(
      .exists, "a collection '\(collection)' is loaded already",
      advice: "load --replace upgrades it, load --into adds to it; or unload it first, or give another --name")
  }

  /// Makes the directories of a collection.
  func create(_ collection: String) throws(StaticKeysError) {
    do throws(Errno) {
      do throws(Errno) { try system.makeDirectory(Self.root) } catch .fileExists {}
      try system.makeDirectory(Self.directory(of: collection))
      for part in Part.allCases { try system.makeDirectory(Self.directory(of: part, in: collection)) }
    } catch {
      _ = try? removeTree(collection)
      // Fails while other collections are there.
      try? system.removeDirectory(Self.root)
      throw .kernel(
        error, "cannot make a directory", at: Place(file: Self.directory(of: collection).string), needs: [.sysAdmin])
    }
  }

  /// Makes the directories of an instance of a collection whose own are there.
  func create(instance name: String, of collection: String) throws(StaticKeysError) {
    let folder = Self.directory(of: collection).appending(Self.instanceFolder)
    let instance = Self.instance(name, of: collection)
    do throws(Errno) {
      do throws(Errno) { try system.makeDirectory(folder) } catch .fileExists {}
      try system.makeDirectory(Self.directory(of: instance))
      for part in Part.allCases { try system.makeDirectory(Self.directory(of: part, in: instance)) }
    } catch {
      throw .kernel(
        error, "cannot make a directory", at: Place(file: Self.directory(of: instance).string), needs: [.sysAdmin])
    }
  }

  /// What is pinned under a name; nil if nothing is.
  func pinned(_ name: String, part: Part, of collection: String) throws(StaticKeysError) -> SharedFD? {
    let path = Self.directory(of: part, in: collection).appending(Self.pinName(name))
    do throws(Errno) {
      return try system.openPin(path)
    } catch .noSuchFileOrDirectory {
      return nil
    } catch {
      throw .kernel(error, "cannot open the pin", at: Place(file: path.string), needs: [.sysAdmin])
    }
  }

  func pin(_ fd: SharedFD, as name: String, part: Part, of collection: String) throws(StaticKeysError) {
    let path = Self.directory(of: part, in: collection).appending(Self.pinName(name))
    do throws(Errno) {
      try system.pin(fd, at: path)
    } catch {
      throw .kernel(error, "cannot pin", at: Place(file: path.string), needs: [.bpf])
    }
  }

  /// Detaches and unpins all of a collection, once no other process is writing.
  ///
  /// - Returns: what was removed, by path.
  /// - Throws: `.notFound` if there is none of that name; `.kernel` or `.permission`.
  @discardableResult
  public func remove(_ collection: String) throws(StaticKeysError) -> [FilePath] {
    try requireLoaded(collection)
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      try recover(collection)
      return try removeLocked(collection)
    }
  }

  func requireLoaded(_ collection: String) throws(StaticKeysError) {
    // What cannot be looked into must not pass for empty.
    if access(Self.root.string, R_OK | X_OK) != 0, errno == EACCES {
      throw .kernel(
        .permissionDenied, "cannot read the collections", at: Place(file: Self.root.string), needs: [.sysAdmin])
    }
    guard Self.isValid(name: collection), names().contains(collection) else {
      let near = names().filter { EditDistance.isNear($0, collection) }
      throw StaticKeysError(
        .notFound, "no collection '\(collection)' is loaded",
        advice: near.isEmpty ? "'list' shows what is" : "did you mean \(near.joined(separator: " or "))?")
    }
  }

  /// The same for whoever holds the writers' lock.
  @discardableResult
  func removeLocked(_ collection: String) throws(StaticKeysError) -> [FilePath] {
    try requireLoaded(collection)
    return try removeTree(collection)
  }

  /// Detaches and unpins those of a collection's instances whose name matches, and the collection with its last one.
  ///
  /// - Returns: what was removed, by path.
  /// - Throws: `.notFound` if there is no such collection or instance; `.kernel` or `.permission`.
  @discardableResult
  public func remove(_ collection: String, instances glob: Glob) throws(StaticKeysError) -> [FilePath] {
    try requireLoaded(collection)
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in
      try recover(collection)
      let all = instances(of: collection)
      let meant = all.filter { glob.matches($0) }
      guard !meant.isEmpty else {
        throw StaticKeysError(
          .notFound, "the collection '\(collection)' has no instance '\(glob)'",
          advice: all.isEmpty ? "it has none" : "it has \(all.prefix(10).joined(separator: ", "))")
      }
      return try removeLocked(collection, instances: meant)
    }
  }

  /// The same for whoever holds the writers' lock.
  @discardableResult
  func removeLocked(_ collection: String, instances meant: [String]) throws(StaticKeysError) -> [FilePath] {
    let isLast = meant.count == instances(of: collection).count && entries(of: .programs, in: collection).isEmpty
    return try isLast
      ? removeLocked(collection) : remove(meant.map { Self.instance($0, of: collection) }, of: collection)
  }

  private func entries(of part: Part, in collection: String) -> [FilePath] {
    let directory = Self.directory(of: part, in: collection)
    return BPFFS.entries(of: directory).map { directory.appending($0.name) }
  }

  /// Removes a directory that has the form of a collection's, whole or in part.
  @discardableResult
  func removeTree(_ collection: String) throws(StaticKeysError) -> [FilePath] {
    let removed = try remove(places(of: collection), of: collection)
    // Fails while other collections are there.
    try? system.removeDirectory(Self.root)
    return removed
  }

  /// Removes instances of a collection, or it itself, which comes last: what runs goes first.
  private func remove(_ places: [String], of collection: String) throws(StaticKeysError) -> [FilePath] {
    var removed: [FilePath] = []
    do throws(Errno) {
      var arrays: [UInt32] = []
      for place in places { arrays += try slotArrays(of: place) }
      let pins = Part.allCases.map { part in places.map { entries(of: part, in: $0) } }
      let counter = ProgressCounter(.removing, of: pins.joined().map(\.count).reduce(0, +), on: system)
      for (part, pins) in zip(Part.allCases, pins) {
        for (place, pins) in zip(places, pins) {
          for path in pins {
            if part == .links { try detach(path) }
            try system.unlink(path)
            removed.append(path)
            counter.step()
          }
          do throws(Errno) {
            try system.removeDirectory(Self.directory(of: part, in: place))
          } catch .noSuchFileOrDirectory {}
        }
      }
      let instances = Self.directory(of: collection).appending(Self.instanceFolder)
      for place in places {
        // Fails while other instances are there.
        if place == collection { try? system.removeDirectory(instances) }
        try system.removeDirectory(Self.directory(of: place))
      }
      try? system.removeDirectory(instances)
      ProgramArrays.waitUntilGone(arrays, system: system)
    } catch {
      throw .kernel(
        error, "cannot remove the collection", at: Place(file: Self.directory(of: collection).string),
        needs: [.sysAdmin])
    }
    return removed
  }

  /// The ids of the program arrays that a collection's slots are.
  private func slotArrays(of collection: String) throws(Errno) -> [UInt32] {
    let directory = Self.directory(of: .slots, in: collection)
    var ids: [UInt32] = []
    for entry in BPFFS.entries(of: directory) {
      let pinned = try system.openPin(directory.appending(entry.name))
      if BPFFS.kind(of: pinned) == .map { ids.append(try system.rawInfo(ofMap: pinned).id) }
    }
    return ids
  }

  /// Takes a link off its hook even if another process holds it too.
  func detach(_ path: FilePath) throws(Errno) {
    let link = try system.openPin(path)
    // Kinds that cannot be detached go with their last holder.
    do throws(Errno) { try system.detachLink(link) } catch .notSupportedOnSocket {} catch .noLink {}
  }
}
