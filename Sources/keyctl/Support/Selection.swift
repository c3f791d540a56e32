// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// Which programs are looked at.
struct SelectionOptions: ParsableArguments {
  @Option(
    name: .customLong("prog"),
    help: "Only these programs: ID, id:N, name:N, tag:T or the path of a pin.",
    transform: Selection.program)
  var prog: ProgramSelector?

  @Option(
    help: ArgumentHelp("Only these instances of a collection; * and ? match.", valueName: "instance"),
    transform: Selection.instance)
  var instance: Glob?

  /// Those that all options mean.
  var program: ProgramSelector? {
    guard let instance else { return prog }
    return prog.map { .both($0, .instance(instance)) } ?? .instance(instance)
  }
}

/// Which engine is wanted.
struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "patch changes programs in place, on kernels with the proposed interface; auto does so where it can.",
      valueName: "engine"))
  var engine: EngineChoice = .auto
}

extension EngineChoice: ExpressibleByArgument {}

extension AttachWay: ExpressibleByArgument {}

/// Reads what names keys, programs, values and hooks on the command line, and completes it.
enum Selection {
  static let keyHelp = ArgumentHelp("[COLLECTION/]KEY; * and ? match.", valueName: "key")

  static func key(_ text: String) throws -> KeyPattern {
    guard let pattern = KeyPattern(text) else {
      throw ValidationError("write [COLLECTION/]KEY, neither of them empty; * and ? match")
    }
    return pattern
  }

  static let valueHelp = ArgumentHelp("[COLLECTION/]NAME[PATH]; * and ? match.", valueName: "name")

  static func value(_ text: String) throws -> ValuePattern {
    guard let pattern = ValuePattern(text) else {
      throw ValidationError("write [COLLECTION/]NAME, neither of them empty; * and ? match")
    }
    return pattern
  }

  static func assignment(_ text: String) throws -> Assignment {
    guard let equals = text.firstIndex(of: "="), let pattern = ValuePattern(text[..<equals]) else {
      throw ValidationError("write [COLLECTION/]NAME=VALUE")
    }
    return Assignment(pattern: pattern, text: String(text[text.index(after: equals)...]))
  }

  static func program(_ text: String) throws -> ProgramSelector {
    guard let selector = ProgramSelector(text) else {
      throw ValidationError("write ID, id:N, name:N, tag:T or the path of a pin, which starts with /")
    }
    return selector
  }

  static func instance(_ text: String) throws -> Glob {
    guard !text.isEmpty else { throw ValidationError("write an instance's name; * and ? match") }
    return Glob(text)
  }

  static func attachment(_ text: String) throws -> AttachRequest {
    guard let request = AttachRequest(text) else {
      throw ValidationError(
        "write [PROG=]HOOK, where HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS], cgroup:PATH "
          + "or one of those that 'load --help' lists"
      )
    }
    return request
  }

  static func initialValue(_ text: String) throws -> InitialValue {
    let assignment = try assignment(text)
    guard assignment.pattern.collection == nil else { throw ValidationError("write NAME=VALUE; * and ? match") }
    return InitialValue(assignment.pattern, assignment.text)
  }

  /// The keys that run now; none where they cannot be found out.
  static func liveKeys(_: [String], _: Int, _: String) -> [String] { names { $0.isSwitch } }

  /// The keys and values that run now; none where they cannot be found out.
  static func liveValues(_: [String], _: Int, _: String) -> [String] { names { _ in true } }

  /// Names in full, and plain ones of what only one collection has.
  private static func names(of isMeant: (ValueMatch) -> Bool) -> [String] {
    guard let found = try? ValueIndex(of: Inventory.current()).all.filter(isMeant) else { return [] }
    let owners = Dictionary(grouping: found, by: \.variable)
    return found.flatMap { owners[$0.variable]?.count == 1 ? [$0.variable, $0.name] : [$0.name] }
  }
}

/// An option's value in which `{i}` stands for the name of the instance that it is for.
struct PerInstance<Value: Sendable>: Sendable {
  private let text: String
  private let parse: @Sendable (String) throws -> Value

  /// - Throws: what `parse` throws for an instance of the name "0".
  init(_ text: String, _ parse: @escaping @Sendable (String) throws -> Value) throws {
    self.text = text
    self.parse = parse
    _ = try value(for: "0")
  }

  /// The value for an instance; nil for none, when the text is taken as it is.
  func value(for instance: String?) throws -> Value {
    try parse(instance.map { text.replacing("{i}", with: $0) } ?? text)
  }
}
