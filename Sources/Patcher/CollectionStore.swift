// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// The directory of a collection in bpffs: pins of its programs, maps and links, in a directory each.
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
    case links, programs = "progs", maps
  }

  /// The names of the collections there are.
  public func names() -> [String] { BPFFS.entries(of: Self.root).filter(\.isDirectory).map(\.name).sorted() }

  /// A collection's directory.
  public static func directory(of collection: String) -> FilePath { root.appending(collection) }

  static func directory(of part: Part, in collection: String) -> FilePath {
    directory(of: collection).appending(part.rawValue)
  }

  /// Whether a name can be a directory in bpffs, and be told from a pattern: letters, digits, `_` and `-`.
  public static func isValid(name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy { c in
        KeyName(String(UnicodeScalar(c))) != nil || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(c)
          || c == UInt8(ascii: "-")
      }
  }

  /// A pin's file name: bpffs keeps names with dots for itself.
  static func pinName(_ name: String) -> String { String(name.map { $0 == "." || $0 == "/" ? "_" : $0 }) }

  /// Makes the directories of a new collection.
  ///
  /// - Throws: `.exists` if there is one of that name.
  func create(_ collection: String) throws(StaticKeysError) {
    do throws(Errno) {
      do throws(Errno) { try system.makeDirectory(Self.root) } catch .fileExists {}
      try system.makeDirectory(Self.directory(of: collection))
    } catch .fileExists {
      throw StaticKeysError(
        .exists, "a collection '\(collection)' is loaded already", advice: "unload it first, or give another --name")
    } catch {
      // Fails while other collections are there.
      try? system.removeDirectory(Self.root)
      throw .kernel(
        error, "cannot make a directory", at: Place(file: Self.directory(of: collection).string), needs: [.sysAdmin])
    }
    do throws(Errno) {
      for part in Part.allCases { try system.makeDirectory(Self.directory(of: part, in: collection)) }
    } catch {
      _ = try? removeLocked(collection)
      throw .kernel(
        error, "cannot make a directory", at: Place(file: Self.directory(of: collection).string), needs: [.sysAdmin])
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
    return try WriterLock.hold(system: system) { () throws(StaticKeysError) in try removeLocked(collection) }
  }

  private func requireLoaded(_ collection: String) throws(StaticKeysError) {
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
    var removed: [FilePath] = []
    do throws(Errno) {
      for part in Part.allCases {
        let directory = Self.directory(of: part, in: collection)
        for entry in BPFFS.entries(of: directory) {
          let path = directory.appending(entry.name)
          if part == .links { try detach(path) }
          try system.unlink(path)
          removed.append(path)
        }
        do throws(Errno) { try system.removeDirectory(directory) } catch .noSuchFileOrDirectory {}
      }
      try system.removeDirectory(Self.directory(of: collection))
      // Fails while other collections are there.
      try? system.removeDirectory(Self.root)
    } catch {
      throw .kernel(
        error, "cannot remove the collection", at: Place(file: Self.directory(of: collection).string),
        needs: [.sysAdmin])
    }
    return removed
  }

  /// Takes a link off its hook even if another process holds it too.
  private func detach(_ path: FilePath) throws(Errno) {
    let link = try system.openPin(path)
    // Kinds that cannot be detached go with their last holder.
    do throws(Errno) { try system.detachLink(link) } catch .notSupportedOnSocket {} catch .noLink {}
  }
}
