// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// One place that holds a program: a link, a pin, a slot of a program array.
public struct Attachment: Sendable {
  /// What kind of place it is, in a word or two: "xdp link", "tc filter", "slot", "pin".
  public let kind: String
  /// What it is, for people: "xdp link 7 (ifindex 3)", "pin /sys/fs/bpf/…".
  public let description: String
  /// How to put another program there; nil where keyctl cannot.
  let replacement: (any Replacement)?
  /// Where a link is that cannot be given another program.
  var fixedLink: FixedLink?
  /// Whether what the program hung on is gone, so that nothing is left to replace.
  var isSevered = false
}

/// A link that keeps its program, and where it is pinned.
struct FixedLink: Sendable {
  let id: UInt32
  let pins: [FilePath]

  /// Who keeps it: "pinned at /sys/fs/bpf/…", "held open by 'name' (pid 17)"; nil if that does not show.
  var holders: String? {
    let holders = LinkHolders(ofLink: id)
    let all = pins.map { "pinned at \($0)" } + (holders.isEmpty ? [] : ["held open by \(holders)"])
    return all.isEmpty ? nil : all.joined(separator: " and ")
  }
}

/// Puts one program in another's place at one hook, in a single step without a moment of absence.
protocol Replacement: Sendable {
  /// Replaces `old` by `new`, if `old` is what is there; the other way round it undoes itself.
  ///
  /// - Returns: false if the place went away, so that nothing runs there any more.
  /// - Throws: `.changedMeanwhile` if something else is there, `.kernel` for any other refusal.
  @discardableResult
  func replace(_ old: ProgramHandle, by new: ProgramHandle) throws(StaticKeysError) -> Bool

  /// Looks whether it can be done, before anything is changed; most kinds always can.
  ///
  /// - Throws: `.unsupported` with the reason.
  func check(_ program: ManagedProgram) throws(StaticKeysError)
}

extension Replacement {
  func check(_ program: ManagedProgram) throws(StaticKeysError) {}
}

/// A loaded program with its id, kept alive.
struct ProgramHandle: Sendable {
  let id: UInt32
  let fd: SharedFD
}
