// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import TestSupport

/// A copy of the fixture `four` whose key no other collection of the machine has, so that a test may name it plainly.
final class UniqueKeyObject {
  /// The key that is off by default, of `false_likely` and `false_unlikely`.
  let key: String
  /// The object file, named for a collection of the test's own.
  let path: String
  /// The name that a collection gets from the file.
  let name = Collection.newName()
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // The end of the collection's name, in as many letters as the key had: so no offset in the object changes.
    let original = Array("key_false".utf8)
    let end = name.suffix(original.count - 1)
    key = "k" + String(repeating: "0", count: original.count - 1 - end.count) + end
    let object = try Array(Data(contentsOf: URL(fileURLWithPath: Fixture.object("four", clang: 19))))
    path = try folder.write(object.replacing(original, with: Array(key.utf8)), to: "\(name).bpf.o")
  }

  /// Loads it under a name, its own if none is given; the collection goes when the result does.
  func load(as given: String? = nil, _ options: String...) throws -> LoadedByCommand {
    try LoadedByCommand(path, as: given ?? name, naming: given != nil, options: options)
  }
}

/// A collection that the command loaded, removed when the test ends.
final class LoadedByCommand {
  let name: String
  /// What `load` printed.
  let output: CommandResult

  /// Loads an object; with `naming` it says the name, else it must come out as `name` by itself.
  init(_ object: String, as name: String, naming: Bool = true, options: [String] = []) throws {
    self.name = name
    let command =
      [try Tools.built("keyctl"), "load", object, Collection.engineOption] + (naming ? ["--name", name] : [])
    output = try TestSupport.run(command + options).checked()
  }

  deinit { _ = try? CollectionStore().remove(name) }

  /// What one of its programs returns for an empty packet.
  func run(_ program: String) throws -> UInt32 {
    try BPF.testRun(pin: "\(CollectionStore.directory(of: name))/progs/\(program)")
  }
}
