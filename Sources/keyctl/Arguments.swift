// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

extension KeyPattern: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension ProgramSelector: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension AttachRequest: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

/// `KEY=on` or `KEY=off`.
struct KeySetting: ExpressibleByArgument {
  let keys: Glob
  let value: Bool

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, parts[1] == "on" || parts[1] == "off" else { return nil }
    keys = Glob(parts[0])
    value = parts[1] == "on"
  }
}

/// Narrows the programs that a command looks at.
struct SelectorOptions: ParsableArguments {
  @Option(
    name: .customLong("prog"),
    help: ArgumentHelp("Look at these programs only: ID, id:N, name:N, tag:T or a path in bpffs.", valueName: "prog"))
  var program: ProgramSelector?
}

/// Shell completion of keys that are there now.
enum Completion {
  static let keys = CompletionKind.custom { _, _, _ in
    ((try? Inventory.current().keys()) ?? []).flatMap { [$0.key.name.rawValue, $0.name] }
  }
}
