// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys

/// What `list` and `show` print of a key under --json.
struct KeyJSON: Encodable {
  let collection: String
  let key: String
  let state: String
  let `default`: Bool
  let programs: [UInt32]
  let sites: Int

  init(_ status: KeyStatus) {
    collection = status.collection
    key = status.key.name.rawValue
    state = status.state.rawValue
    `default` = status.key.defaultValue
    programs = status.programs.map(\.id)
    sites = status.sites.count
  }
}

extension KeyStatus {
  static let header = ["COLLECTION", "KEY", "STATE", "DEFAULT", "PROGRAMS", "SITES"]

  /// The key's row under `header`.
  var row: [String] {
    [
      collection, key.name.rawValue, state.rawValue, key.defaultValue ? "on" : "off", String(programs.count),
      String(sites.count),
    ]
  }
}

extension Inventory {
  /// Tells of programs that cannot be read; what can be read is shown all the same.
  func warnOfUnreadable() {
    for program in unreadable { standardError("\(InvocationName.current): warning: \(program.error)") }
  }
}

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the keys of all running programs.", aliases: ["ls"])

  @Argument(help: "Only these keys: [COLLECTION/]KEY; * and ? match.", completion: Completion.keys)
  var key: [KeyPattern] = []

  @OptionGroup var selector: SelectorOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let inventory = try Inventory.current()
    let keys =
      try key.isEmpty
      ? inventory.keys(in: selector.program) : inventory.keys(matching: key, in: selector.program)
    inventory.warnOfUnreadable()
    if output.json {
      print(JSON.text(keys.map(KeyJSON.init)))
    } else {
      Table.lines([KeyStatus.header] + keys.map(\.row)).forEach { print($0) }
    }
  }
}
