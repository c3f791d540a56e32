// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Patcher
import StaticKeys
import SystemPackage

/// `load FILE`
struct Load: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Load all programs of an object or template and attach those asked for.",
    discussion: """
      Programs, maps and links are pinned under \(CollectionStore.root)/NAME; bpffs is mounted if it is not. All of it \
      is done or nothing.

      HOOK is xdp:DEV[@NETNS], tcx-ingress:DEV[@NETNS], tcx-egress:DEV[@NETNS] or cgroup:PATH; or one of raw_tp:NAME, \
      tp:CATEGORY/NAME, kprobe:FUNC[+OFFSET], kretprobe:FUNC, uprobe:FILE:FUNC[+OFFSET], uretprobe:FILE:FUNC, \
      perf-event:NAME[@HZ], fentry, fexit, fmod_ret, lsm and tp_btf, whose place is in the program. "auto" goes where \
      the program's section says. Where several programs could go to a hook, say which: PROG=HOOK.

      The hooks from raw_tp on cannot replace a program: there keyctl puts a slot, a small program that tail-calls \
      the one that is in it. --via slot does so at any hook, which makes a flip quicker; --via link nowhere.

      With --into or --replace, keys start with the values they have in the collection, and maps of the same name and \
      shape are shared with all they hold. --replace puts each program wherever the one of its name hangs; programs \
      that the object lacks go, and those it adds are attached where --attach says. Where it was killed, every hook \
      has the old program or the new, and the same command completes it.

      An instance is one of many programs made of one file, with values, maps and hooks of its own, pinned under \
      instances/ there. It is added to the collection if that is loaded. In --set and --attach {i} stands for its name.
      """)

  @Argument(
    help: ArgumentHelp("The object file or template.", valueName: "file"), completion: .file(extensions: ["o"]))
  var file: String

  @Option(help: ArgumentHelp("The collection's name instead of the file's.", valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp("Attach a program; may be repeated.", valueName: "[prog=]hook"),
    transform: { try PerInstance($0, Selection.attachment) })
  var attach: [PerInstance<AttachRequest>] = []

  @Option(help: ArgumentHelp("By what programs hang on their hooks.", valueName: "way"))
  var via: AttachWay = .auto

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A first value instead of the object's, as 'set' takes it; may be repeated.", valueName: "name=value"),
    transform: { try PerInstance($0, Selection.initialValue) })
  var values: [PerInstance<InitialValue>] = []

  @OptionGroup var instances: InstanceOptions

  @Option(
    help: ArgumentHelp("Add the programs to a collection that runs.", valueName: "collection"),
    completion: .custom { _, _, _ in CollectionStore().names() })
  var into: String?

  @Flag(help: "Put the programs in the place of those of the collection that runs.")
  var replace = false

  @OptionGroup var inheriting: InheritingOptions

  @OptionGroup var engine: EngineOptions

  @OptionGroup var action: ActionOptions

  var outputOptions: OutputOptions { action.output }

  func validate() throws {
    if into != nil, replace || name != nil {
      throw ValidationError("--into names the collection and adds to it: neither --replace nor --name goes with it")
    }
    if inheriting.defaults, into == nil, !replace {
      throw ValidationError("--defaults goes with --into or --replace: without them keys start with their defaults")
    }
    if instances.names != nil, into != nil || replace {
      throw ValidationError("instances are added to a collection without --into, and none is replaced")
    }
    if !inheriting.freshMaps.isEmpty || inheriting.dryRun, !replace {
      throw ValidationError("--fresh-map and --dry-run go with --replace")
    }
  }

  func run() throws {
    if let names = instances.names { return try makeInstances(names) }
    let values = try values.map { try $0.value(for: nil) }
    let attach = try attach.map { try $0.value(for: nil) }
    if replace { return try upgrade(values, attach) }
    let report = try action.showingProgress { system in
      let loader = CollectionLoader(system: system)
      guard let into else {
        return try loader.load(
          FilePath(file), name: name, values: values, attach: attach, via: via, engine: engine.engine)
      }
      return try loader.add(
        FilePath(file), to: into, values: values, defaults: inheriting.defaults, attach: attach, via: via,
        engine: engine.engine)
    }
    let view = LoadView(report, added: into != nil)
    try action.warn(ofRefusals: [report.nativeRefusal])
    try action.print(view, lines: view.lines)
  }

  private func makeInstances(_ names: [String]) throws {
    let specs = try names.map { name in
      InstanceSpec(
        name: name, values: try values.map { try $0.value(for: name) },
        attach: try attach.map { try $0.value(for: name) })
    }
    let report = try action.showingProgress { system in
      try CollectionLoader(system: system).load(
        FilePath(file), name: name, instances: specs, sharing: instances.shared, via: via, engine: engine.engine)
    }
    let view = LoadView(report)
    try action.warn(ofRefusals: report.instances.map(\.report.nativeRefusal))
    try action.print(view, lines: view.lines)
  }

  private func upgrade(_ values: [InitialValue], _ attach: [AttachRequest]) throws {
    let report = try action.showingProgress { system in
      try CollectionLoader(system: system).replace(
        FilePath(file), name: name, values: values, defaults: inheriting.defaults,
        fresh: Set(inheriting.freshMaps), attach: attach, via: via, engine: engine.engine, dryRun: inheriting.dryRun)
    }
    let view = UpgradeView(report, dryRun: inheriting.dryRun)
    try action.warn(ofRefusals: [report.nativeRefusal])
    try action.print(view, lines: view.lines)
    guard report.stillHeld.isEmpty else {
      throw ChangeOptions.stillHeld(report.stillHeld, by: "something that is not the collection's")
    }
  }
}

/// Which instances `load` makes.
struct InstanceOptions: ParsableArguments {
  @Option(
    name: .customLong("instance"),
    help: ArgumentHelp("Add an instance of this name to the collection; may be repeated.", valueName: "name"))
  var named: [String] = []

  @Option(name: .customLong("instances"), help: ArgumentHelp("Add so many, called 0, 1, 2 and so on.", valueName: "n"))
  var count: Int?

  @Option(
    name: .customLong("share-map"),
    help: ArgumentHelp(
      "A map that is the collection's, not each instance's; may be repeated; * and ? match.", valueName: "map"),
    transform: { Glob($0) })
  var shared: [Glob] = []

  func validate() throws {
    guard named.isEmpty || count == nil else {
      throw ValidationError("--instance and --instances exclude each other")
    }
    if let count, !(1...1_000_000).contains(count) {
      throw ValidationError("--instances takes a count from 1 on")
    }
    guard shared.isEmpty || names != nil else {
      throw ValidationError("--share-map is about instances: say --instance or --instances")
    }
  }

  /// The names of those asked for; nil if the file is to be loaded without instances.
  var names: [String]? { named.isEmpty ? count.map { (0..<max(0, $0)).map(String.init) } : named }
}

/// What an object gets from the collection that it is loaded for.
struct InheritingOptions: ParsableArguments {
  @Flag(help: "With --into or --replace: start keys with the object's values, not the collection's.")
  var defaults = false

  @Option(
    name: .customLong("fresh-map"),
    help: ArgumentHelp("With --replace: start this map anew; may be repeated.", valueName: "map"))
  var freshMaps: [String] = []

  @Flag(
    name: [.customShort("n"), .customLong("dry-run")],
    help: "With --replace: load and verify, tell what would happen, and change nothing.")
  var dryRun = false
}
