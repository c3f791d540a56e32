// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys
import SystemPackage

/// `unload COLLECTION`
struct Unload: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Detach and unpin all of a collection; nothing stays behind.")

  @Argument(
    help: ArgumentHelp("The name under which it was loaded.", valueName: "collection"),
    completion: .custom { _, _, _ in CollectionStore().names() })
  var collection: String

  @Option(
    help: ArgumentHelp(
      "Only these instances, and the collection with its last one; * and ? match.", valueName: "instance"),
    transform: Selection.instance)
  var instance: Glob?

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  private struct View: Encodable {
    let collection: String
    let removed: [String]
  }

  func run() throws {
    let removed = try action.showingProgress { system in
      let store = CollectionStore(system: system)
      return try instance.map { try store.remove(collection, instances: $0) } ?? store.remove(collection)
    }
    let view = View(collection: collection, removed: removed.map(\.string))
    try action.print(
      view,
      lines: [
        "unloaded \(collection)\(instance.map { " instance \($0)" } ?? ""): \(counted(removed.count, "pin")) removed"
      ])
  }
}
