// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// How pins come to a collection all at once, whenever the writer is killed.
///
/// They are made in a directory beside the collection, NAME__new, which is there before the first program is loaded and
/// which the next writer removes. That becomes the collection by its renaming; or, where the collection is there already,
/// NAME__add, and whoever finds that moves the pins on.
extension CollectionStore {
  private static let stagedSuffix = "__new"
  private static let addedSuffix = "__add"

  /// Whether a directory is none of a collection's own.
  static func isStaging(_ name: String) -> Bool { name.hasSuffix(stagedSuffix) || name.hasSuffix(addedSuffix) }

  /// The directories that killed writers left.
  func leftovers() -> [String] {
    BPFFS.entries(of: Self.root).filter { $0.isDirectory && Self.isStaging($0.name) }.map(\.name).sorted()
  }

  /// The collections that a writer who is at work puts together, or adds to.
  func staged() -> Set<String> {
    let staged = leftovers().filter { name in
      name.hasSuffix(Self.stagedSuffix) && WriterLock.holder(of: Self.directory(of: name)) != nil
    }
    return Set(staged.map(Self.collection(ofLeftover:)))
  }

  /// Whether a pin is one of those that are being put together for a collection.
  static func isStaged(_ path: FilePath, for collection: String) -> Bool {
    path.starts(with: directory(of: collection + stagedSuffix))
  }

  /// Makes the directory in which the pins of a collection, or more pins for it, are put together.
  ///
  /// - Returns: its name, which stands for a collection.
  func stage(_ collection: String) throws(StaticKeysError) -> String {
    try recover(collection)
    let staged = collection + Self.stagedSuffix
    try create(staged)
    return staged
  }

  /// Runs `body` with such a directory, which does not outlive an error of it. A lock on it tells readers that it is no
  /// leftover.
  func staging<R>(
    _ collection: String, _ body: (_ staged: String) throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    let staged = try stage(collection)
    do throws(StaticKeysError) {
      return try WriterLock.hold(Self.directory(of: staged), system: system) { () throws(StaticKeysError) in
        try body(staged)
      }
    } catch {
      do throws(StaticKeysError) { try removeTree(staged) } catch let second {
        throw StaticKeysError(
          .partlyApplied, "\(error); and could not clean up: \(second)", errno: error.errno, advice: "run 'gc'")
      }
      throw error
    }
  }

  /// Makes what is staged the collection.
  func publish(_ collection: String) throws(StaticKeysError) {
    try move(collection + Self.stagedSuffix, to: collection)
  }

  /// Settles that what is staged is to be the collection's: from now on it is only moved on.
  func settleAddition(to collection: String) throws(StaticKeysError) {
    try move(collection + Self.stagedSuffix, to: collection + Self.addedSuffix)
  }

  /// What of a settled addition is still to be moved, in order: pins, then whole instances.
  func pendingAddition(to collection: String) -> [(from: FilePath, to: FilePath)] {
    let added = collection + Self.addedSuffix
    let pins = Part.allCases.reversed().flatMap { part in
      let (from, to) = (Self.directory(of: part, in: added), Self.directory(of: part, in: collection))
      return BPFFS.entries(of: from).map { (from: from.appending($0.name), to: to.appending($0.name)) }
    }
    return pins
      + instances(of: added).map { name in
        (
          from: Self.directory(of: Self.instance(name, of: added)),
          to: Self.directory(of: Self.instance(name, of: collection))
        )
      }
  }

  /// Moves settled pins to the collection, over those of the same name.
  ///
  /// - Returns: what was moved, where it is now.
  @discardableResult
  func completeAddition(to collection: String) throws(StaticKeysError) -> [FilePath] {
    let added = collection + Self.addedSuffix
    let pending = pendingAddition(to: collection)
    do throws(Errno) {
      if !instances(of: added).isEmpty {
        let folder = Self.directory(of: collection).appending(Self.instanceFolder)
        do throws(Errno) { try system.makeDirectory(folder) } catch .fileExists {}
      }
      for move in pending { try system.rename(move.from, to: move.to) }
      let emptied = Part.allCases.map { Self.directory(of: $0, in: added) }
      for directory in emptied + [Self.directory(of: added).appending(Self.instanceFolder)] {
        do throws(Errno) { try system.removeDirectory(directory) } catch .noSuchFileOrDirectory {}
      }
      try system.removeDirectory(Self.directory(of: added))
    } catch {
      throw .kernel(
        error, "cannot move pins to the collection", at: Place(file: Self.directory(of: added).string),
        needs: [.sysAdmin])
    }
    return pending.map(\.to)
  }

  /// Brings what a killed writer left of a collection to one of its ends: an addition that was settled is completed, and
  /// whatever was not is removed.
  ///
  /// - Returns: the pins completed, nil if no addition was; and those removed.
  @discardableResult
  func recover(_ collection: String) throws(StaticKeysError) -> (completed: [FilePath]?, removed: [FilePath]) {
    let left = leftovers()
    var completed: [FilePath]?
    var removed: [FilePath] = []
    let added = collection + Self.addedSuffix
    if left.contains(added) {
      if isCompletable(added) {
        completed = try completeAddition(to: collection)
      } else {
        removed += try removeTree(added)
      }
    }
    if left.contains(collection + Self.stagedSuffix) { removed += try removeTree(collection + Self.stagedSuffix) }
    return (completed, removed)
  }

  /// Whether what is left of a collection is an addition that was settled, and so is completed and not removed.
  func isCompletable(_ leftover: String) -> Bool {
    leftover.hasSuffix(Self.addedSuffix) && names().contains(Self.collection(ofLeftover: leftover))
  }

  /// The collection that a leftover belongs to.
  static func collection(ofLeftover name: String) -> String { String(name.dropLast(stagedSuffix.count)) }

  private func move(_ old: String, to new: String) throws(StaticKeysError) {
    do throws(Errno) {
      try system.rename(Self.directory(of: old), to: Self.directory(of: new))
    } catch {
      throw .kernel(
        error, "cannot rename the directory", at: Place(file: Self.directory(of: old).string), needs: [.sysAdmin])
    }
  }
}
