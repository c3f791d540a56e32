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
  var program: ProgramSelector?
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

/// Reads what names keys, programs, values and hooks on the command line, and completes it.
enum Selection {
  static let keyHelp = ArgumentHelp("[COLLECTION/]KEY; * and ? match.", valueName: "key")

  static func key(_ text: String) throws -> KeyPattern {
    guard let pattern = KeyPattern(text) else {
      throw ValidationError("write [COLLECTION/]KEY, neither of them empty; * and ? match")
    }
    return pattern
  }

  static func program(_ text: String) throws -> ProgramSelector {
    guard let selector = ProgramSelector(text) else {
      throw ValidationError("write ID, id:N, name:N, tag:T or the path of a pin, which starts with /")
    }
    return selector
  }

  static func attachment(_ text: String) throws -> AttachRequest {
    guard let request = AttachRequest(text) else {
      throw ValidationError(
        "write [PROG=]HOOK, where HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or cgroup:PATH"
      )
    }
    return request
  }

  static func setting(_ text: String) throws -> KeySetting {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let value = ["on": true, "off": false][parts[1]] else {
      throw ValidationError("write KEY=on or KEY=off; * and ? match")
    }
    return KeySetting(keys: Glob(parts[0]), value: value)
  }

  /// The keys that run now; none where they cannot be found out.
  static func liveKeys(_: [String], _: Int, _: String) -> [String] {
    guard let keys = try? Inventory.current().keys() else { return [] }
    return keys.flatMap { [$0.key.name.rawValue, $0.name] }
  }
}

/// The value that a key is to have from the start.
struct KeySetting: Sendable {
  let keys: Glob
  let value: Bool
}
