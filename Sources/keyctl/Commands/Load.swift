// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys
import SystemPackage

/// `load OBJ`
struct Load: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Load all programs of an object and attach those asked for.",
    discussion: """
      Programs, maps and links are pinned under \(CollectionStore.root)/NAME; bpffs is mounted if it is not. All of it \
      is done or nothing.

      HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or cgroup:PATH. Where several programs \
      could go to a hook, say which: PROG=HOOK.
      """)

  @Argument(help: ArgumentHelp("The object file.", valueName: "obj"), completion: .file(extensions: ["o"]))
  var object: String

  @Option(help: ArgumentHelp("The collection's name instead of the file's.", valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp("Attach a program; may be repeated.", valueName: "[prog=]hook"),
    transform: Selection.attachment)
  var attach: [AttachRequest] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A key's first value instead of its default; may be repeated.", valueName: "key=on|off"),
    transform: Selection.setting)
  var settings: [KeySetting] = []

  @OptionGroup var engine: EngineOptions

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  func run() throws {
    let report = try CollectionLoader().load(
      FilePath(object), name: name, settings: settings.map { (keys: $0.keys, value: $0.value) }, attach: attach,
      engine: engine.engine)
    let view = LoadView(report)
    try action.print(view, lines: view.lines)
  }
}
