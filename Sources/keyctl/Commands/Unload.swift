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

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  private struct View: Encodable {
    let collection: String
    let removed: [String]
  }

  func run() throws {
    let removed = try CollectionStore().remove(collection)
    let view = View(collection: collection, removed: removed.map(\.string))
    try action.print(view, lines: ["unloaded \(collection): \(counted(removed.count, "pin")) removed"])
  }
}
