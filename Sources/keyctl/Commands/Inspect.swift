// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BTFMeta
import StaticKeys
import SystemPackage

/// `inspect OBJ`
struct Inspect: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show an object's keys and sites without loading it.",
    discussion: "Offsets count instructions of 8 bytes from the start of the function. Needs no privilege.")

  @Argument(help: ArgumentHelp("The object file.", valueName: "obj"), completion: .file(extensions: ["o"]))
  var object: String

  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let view = ObjectView(try ObjectFile(path: FilePath(object)).summary())
    try output.print(view, lines: view.lines)
  }
}
