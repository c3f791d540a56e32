// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BTFMeta
import StaticKeys
import SystemPackage

/// `annotate OBJ`
struct Annotate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Describe an object's sites in its BTF.",
    discussion: """
      Each site gets a declaration tag on its function, which 'bpftool btf dump' shows. The file is replaced as a whole \
      or not at all; a second run changes nothing. 'load' does the same in memory. Needs no privilege.
      """)

  @Argument(help: ArgumentHelp("The object file.", valueName: "obj"), completion: .file(extensions: ["o"]))
  var object: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write to this file instead.", valueName: "out"), completion: .file())
  var output: String?

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  private struct View: Encodable {
    let object: String
    let output: String
    let sites: Int
    let immediates: Int
    let added: Int
    let wroteFile: Bool
  }

  func run() throws {
    let report = try Annotator.annotate(FilePath(object), output: output.map { FilePath($0) })
    let view = View(
      object: object, output: output ?? object, sites: report.sites.count, immediates: report.immediates.count,
      added: report.added,
      wroteFile: report.wroteFile)
    let what =
      report.added > 0
      ? "\(counted(report.added, "tag")) added"
      : report.sites.isEmpty && report.immediates.isEmpty ? "nothing to add" : "already annotated"
    let places =
      counted(view.sites, "site") + (view.immediates > 0 ? ", \(counted(view.immediates, "immediate"))" : "")
    try action.print(view, lines: ["\(view.output): \(places), \(what)"])
  }
}
