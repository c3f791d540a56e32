// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// A program of an object and the hook it is to hang on.
public struct AttachRequest: Hashable, Sendable {
  /// The program's C name; nil where the object has only one that can go there.
  public let program: String?
  /// Where to; nil for where the program's section says, and without a program for all programs whose section says it.
  public let hook: Hook?

  /// The request in `[PROG=]HOOK` or `[PROG=]auto`; nil if the hook is none.
  public init?(_ text: String) {
    // A cgroup's path may hold "=": only a C identifier before it is a program's name.
    var place = text[...]
    if let equals = text.firstIndex(of: "="), let name = KeyName(text[..<equals]) {
      program = name.rawValue
      place = text[text.index(after: equals)...]
    } else {
      program = nil
    }
    if place == "auto" {
      hook = nil
    } else {
      guard let hook = Hook(place) else { return nil }
      self.hook = hook
    }
  }
}

/// By what a program hangs on its hook.
public enum AttachWay: String, Sendable, CaseIterable {
  /// By a link where that lets its program be replaced, else behind a slot.
  case auto
  /// By a link, even one that does not let its program be replaced.
  case link
  /// Behind a slot: a small program hangs on the hook and tail-calls the program from a program array.
  case slot
}

extension LoadedObject {
  /// The programs that a request means, each with its hook.
  func targets(of request: AttachRequest) throws(StaticKeysError) -> [(program: OpenProgram, hook: Hook)] {
    if let hook = request.hook { return [(try program(request.program, for: hook), hook)] }
    let asked = try request.program.map { name throws(StaticKeysError) in [try program(named: name)] }
    let found = (asked ?? programs).compactMap { program in
      Hook(section: program.program.section).map { (program: program, hook: $0) }
    }
    for (program, hook) in found where !hook.takes(program.program) { throw mismatch(program, hook) }
    guard let first = asked?.first, found.isEmpty else {
      guard !found.isEmpty else {
        throw StaticKeysError(.notFound, "no program of the object has a section that says where it goes")
      }
      return found
    }
    throw StaticKeysError(
      .usage,
      "the section '\(first.program.section)' does not say where the program goes, or not in a way keyctl knows",
      at: Place(program: first.program.name), advice: "say it: \(first.program.name)=HOOK")
  }

  private func program(_ name: String?, for hook: Hook) throws(StaticKeysError) -> OpenProgram {
    if let name {
      let program = try program(named: name)
      guard hook.takes(program.program) else { throw mismatch(program, hook) }
      return program
    }
    let candidates = programs.filter { hook.takes($0.program) }
    guard let only = candidates.first else {
      throw StaticKeysError(.notFound, "the object has no program that can go to \(hook)")
    }
    guard candidates.count == 1 else {
      throw StaticKeysError(
        .ambiguous,
        "several programs can go to \(hook): \(candidates.map(\.program.name).joined(separator: ", "))",
        advice: "say which: \(only.program.name)=\(hook)")
    }
    return only
  }

  private func program(named name: String) throws(StaticKeysError) -> OpenProgram {
    guard let program = programs.first(where: { $0.program.name == name }) else {
      throw StaticKeysError(
        .notFound, "the object has no program '\(name)'",
        advice: "it has \(programs.map(\.program.name).joined(separator: ", "))")
    }
    return program
  }

  private func mismatch(_ program: OpenProgram, _ hook: Hook) -> StaticKeysError {
    StaticKeysError(
      .usage, "the program '\(program.program.name)' (section \(program.program.section)) cannot go to \(hook)")
  }
}
