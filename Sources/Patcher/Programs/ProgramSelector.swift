// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// Which programs a user means, in bpftool's terms.
public enum ProgramSelector: Hashable, Sendable, CustomStringConvertible {
  /// The kernel's id.
  case id(UInt32)
  /// The C name; `*` and `?` match.
  case name(Glob)
  /// The kernel's tag, in hex.
  case tag(String)
  /// A pin.
  case path(FilePath)
  /// The instances of a collection; `*` and `?` match. Programs that belong to none are not meant.
  case instance(Glob)
  /// What both mean.
  indirect case both(ProgramSelector, ProgramSelector)

  /// The selector in `ID`, `id:N`, `name:N`, `tag:T` or an absolute path; nil if it is none of them.
  public init?(_ text: String) {
    if text.hasPrefix("/") {
      self = .path(FilePath(text))
    } else if let id = UInt32(text) {
      self = .id(id)
    } else {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty else { return nil }
      switch parts[0] {
      case "id":
        guard let id = UInt32(parts[1]) else { return nil }
        self = .id(id)
      case "name": self = .name(Glob(parts[1]))
      case "tag": self = .tag(parts[1].lowercased())
      default: return nil
      }
    }
  }

  public var description: String {
    switch self {
    case .id(let id): "id:\(id)"
    case .name(let name): "name:\(name)"
    case .tag(let tag): "tag:\(tag)"
    case .path(let path): path.string
    case .instance(let name): "instance:\(name)"
    case .both(let first, let second): "\(first) \(second)"
    }
  }
}

extension Inventory {
  /// The programs that a selector means.
  ///
  /// - Throws: `.notFound` if there are none, `.file` or `.permission` for a path that cannot be opened.
  public func programs(
    selectedBy selector: ProgramSelector, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) -> [ManagedProgram] {
    let found = try programs(matching: selector, system: system)
    guard found.isEmpty else { return found }
    if case .id(let id) = selector, let broken = unreadable.first(where: { $0.id == id }) { throw broken.error }
    throw StaticKeysError(
      .notFound, "no program with static keys matches '\(selector)'",
      advice: "'list' shows what there is; a program must have been loaded by keyctl or its library")
  }

  private func programs(
    matching selector: ProgramSelector, system: BPFSystem
  ) throws(StaticKeysError) -> [ManagedProgram] {
    switch selector {
    case .id(let id): return programs.filter { $0.id == id }
    case .name(let glob): return programs.filter { glob.matches($0.name) }
    case .tag(let tag): return programs.filter { $0.tag == tag }
    case .path(let path):
      let id = try Self.programID(pinnedAt: path, system: system)
      return programs.filter { $0.id == id }
    case .instance(let glob): return programs.filter { $0.instance.name.map { glob.matches($0) } ?? false }
    case .both(let first, let second):
      let ids = Set(try programs(matching: first, system: system).map(\.id))
      return try programs(matching: second, system: system).filter { ids.contains($0.id) }
    }
  }

  /// The one program that a selector means.
  ///
  /// - Throws: as `programs(selectedBy:)`, and `.ambiguous` if there are several.
  public func program(
    selectedBy selector: ProgramSelector, system: BPFSystem = BPFSystem()
  ) throws(StaticKeysError) -> ManagedProgram {
    let found = try programs(selectedBy: selector, system: system)
    guard let only = found.first, found.count == 1 else {
      let ids = found.map { "\($0.qualifiedName) id:\($0.id)" }.joined(separator: ", ")
      throw StaticKeysError(
        .ambiguous, "several programs match '\(selector)': \(ids)", advice: "name one by its id")
    }
    return only
  }

  private static func programID(pinnedAt path: FilePath, system: BPFSystem) throws(StaticKeysError) -> UInt32 {
    do throws(Errno) {
      let fd = try system.openPin(path)
      guard BPFFS.kind(of: fd) == .program else { throw Errno.invalidArgument }
      return try system.rawInfo(ofProgram: fd).id
    } catch .noSuchFileOrDirectory {
      throw StaticKeysError(.notFound, "nothing is pinned there", at: Place(file: path.string))
    } catch .invalidArgument {
      throw StaticKeysError(.notFound, "no program is pinned there", at: Place(file: path.string))
    } catch {
      throw .kernel(error, "cannot open the pin", at: Place(file: path.string))
    }
  }
}
