// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A program that is pinned, or that a pinned tracing link runs: what is replaced by renaming a pin.
struct PinnedProgram: Sendable {
  /// What is pinned, and where a link of it is.
  private struct Place: Hashable, Sendable {
    let linkKind: LinkKind?
    let target: String?
  }

  private let place: Place
  let program: UInt32

  /// Nil for a pin that is replaced otherwise, or holds no program.
  init?(_ pinned: Pinned, system: BPFSystem) throws(Errno) {
    switch pinned.kind {
    case .program:
      place = Place(linkKind: nil, target: nil)
      program = try system.rawInfo(ofProgram: pinned.fd).id
    case .link:
      let info = try system.rawInfo(ofLink: pinned.fd)
      let kind = LinkKind(rawValue: info.type)
      guard kind == .tracing || kind == .rawTracepoint else { return nil }
      place = Place(linkKind: kind, target: TracingLinkInfo(of: pinned.fd).target)
      program = info.prog_id
    case .map: return nil
    }
  }

  /// Whether both run variants of one program at one place.
  func isVariant(of other: PinnedProgram, system: BPFSystem) throws(Errno) -> Bool {
    guard place == other.place else { return false }
    if program == other.program { return true }
    return try system.areVariants(program, other.program)
  }

  /// The path over which a killed writer would have renamed a pin of this at `path`; nil if that is no such pin.
  func replaced(from path: FilePath, system: BPFSystem) throws(Errno) -> FilePath? {
    var place = path
    while let meant = BPFSystem.path(whoseReplacementIs: place) {
      if let there = try system.pinned(at: meant), let held = try PinnedProgram(there, system: system),
        try isVariant(of: held, system: system)
      {
        return meant
      }
      place = meant
    }
    return nil
  }
}

extension BPFSystem {
  /// Whether two programs were loaded as one and the same: by collection, instance and name.
  fileprivate func areVariants(_ one: UInt32, _ other: UInt32) throws(Errno) -> Bool {
    var discovery = Discovery(system: self)
    do throws(StaticKeysError) {
      guard let one = try discovery.program(id: one), let other = try discovery.program(id: other) else { return false }
      return ProgramIdentity(one) == ProgramIdentity(other)
    } catch {
      // One whose template cannot be read is nobody's variant.
      guard error.code == .kernel || error.code == .permission, let errno = error.errno else { return false }
      throw Errno(rawValue: errno)
    }
  }
}
