// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization
import SystemPackage

/// A loaded program and the places where it takes the place of others.
final class ProgramSwap: PreparedChange {
  private let name: String
  private let new: ProgramHandle
  private let held: [HeldPlace]
  private let outcome = Mutex(Outcome())

  private struct Outcome {
    /// Which of the places have the new program, in the order in which they got it.
    var taken: [Int] = []
    /// Which went away before they could get it.
    var gone: Set<Int> = []
  }

  /// A place, the program that it holds, and how to put another one there.
  struct HeldPlace: Sendable {
    let description: String
    let old: ProgramHandle
    let replacement: any Replacement
  }

  /// - Parameter name: the program's, as "collection/name".
  init(of name: String, new: ProgramHandle, places: [HeldPlace]) {
    self.name = name
    self.new = new
    held = places
  }

  var programID: UInt32 { new.id }
  /// Before the change, where it will be; after it, where it is.
  var places: [String] {
    let gone = outcome.withLock { $0.gone }
    return held.indices.filter { !gone.contains($0) }.map { held[$0].description }
  }

  func commit() throws(StaticKeysError) {
    for (index, place) in held.enumerated() {
      let isThere = try place.replacement.replace(place.old, by: new)
      outcome.withLock { if isThere { $0.taken.append(index) } else { $0.gone.insert(index) } }
    }
  }

  func revert() throws(StaticKeysError) {
    var stuck: [StaticKeysError] = []
    for index in outcome.withLock({ $0.taken }).reversed() {
      let place = held[index]
      do throws(StaticKeysError) {
        try place.replacement.replace(new, by: place.old)
        outcome.withLock { $0.taken.removeAll { $0 == index } }
      } catch {
        stuck.append(error)
      }
    }
    if let error = StaticKeysError(all: stuck) { throw error }
  }

  var standing: [String] {
    outcome.withLock { $0.taken }.map { index in
      "\(name) (program \(held[index].old.id) -> \(new.id)) at \(held[index].description)"
    }
  }
}

extension ProgramSwap {
  /// The places that hold a program, each of which must be one that can be given another program.
  ///
  /// - Throws: `.unsupported` for a place that cannot; `.changedMeanwhile` if the program is gone; `.permission`, `.kernel`.
  static func places(
    of program: ManagedProgram, attachments: AttachmentIndex, system: BPFSystem
  ) throws(StaticKeysError) -> [HeldPlace] {
    let attachments = attachments.attachments(ofProgram: program.id).filter { !$0.isSevered }
    let refused = attachments.filter { $0.replacement == nil }
    guard refused.isEmpty else {
      let places = refused.map { $0.description + ($0.fixedLink?.holders.map { ", \($0)" } ?? "") }
      throw StaticKeysError(
        .unsupported, "its program cannot be replaced: \(places.joined(separator: "; "))",
        at: program.place, advice: "detach it there first")
    }
    guard !attachments.isEmpty else { return [] }
    for attachment in attachments { try attachment.replacement?.check(program) }
    let old = try ProgramHandle(of: program, system: system)
    return attachments.compactMap { attachment in
      attachment.replacement.map { HeldPlace(description: attachment.description, old: old, replacement: $0) }
    }
  }
}

extension ProgramHandle {
  /// The program as it runs now.
  init(of program: ManagedProgram, system: BPFSystem) throws(StaticKeysError) {
    do throws(Errno) {
      guard let fd = try system.object(.program, id: program.id) else {
        throw Errno.noSuchFileOrDirectory
      }
      self.init(id: program.id, fd: fd)
    } catch .noSuchFileOrDirectory {
      throw StaticKeysError(
        .changedMeanwhile, "its program \(program.id) is gone", at: program.place, advice: "run the command again")
    } catch {
      throw .kernel(error, "cannot open the program \(program.id)", at: program.place, needs: [.sysAdmin])
    }
  }
}
