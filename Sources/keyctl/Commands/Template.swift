// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BTFMeta
import Patcher
import StaticKeys
import SystemPackage

/// `template build` and `template show`
struct TemplateGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template",
    abstract: "Make a template of an object, and look into one.",
    discussion: """
      A template file has all that loading needs: 'load' takes it like an object, and needs no ELF, no relocation and \
      no compiler for it.
      """,
    subcommands: [TemplateBuild.self, TemplateShow.self])
}

/// `template build OBJ -o FILE`
struct TemplateBuild: Verb {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Make a template of an object.",
    discussion: """
      Only by loading an object does libbpf give away its relocated programs: it is loaded once, which takes root, and \
      nothing of that stays. What an object has adjusted to the running kernel (CO-RE relocations, configuration, \
      kernel functions) binds the template to this kernel; without any of it the template is good for all. The file \
      is replaced as a whole or not at all.
      """)

  @Argument(help: ArgumentHelp("The object file.", valueName: "obj"), completion: .file(extensions: ["o"]))
  var object: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var output: String

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  func run() throws {
    try TemplateFile.requireOutput(FilePath(output), besides: FilePath(object))
    let report = try action.showingProgress { system in
      let template = try TemplateBuilder(system: system).build(FilePath(object))
      let size = try TemplateFile.write(template, to: FilePath(output), likeness: FilePath(object))
      return TemplateView(template, file: output, size: size)
    }
    try action.print(report, lines: report.lines)
  }
}

/// `template show FILE`
struct TemplateShow: Verb {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what is in a template.",
    discussion: "Needs no privilege.")

  @Argument(help: ArgumentHelp("The template file.", valueName: "file"), completion: .file())
  var file: String

  @OptionGroup var output: OutputOptions

  var outputOptions: OutputOptions { output }

  func run() throws {
    let template = try TemplateFile.read(FilePath(file))
    let view = TemplateView(template, file: file, size: template.encoded().count)
    try output.print(view, lines: view.lines)
  }
}
