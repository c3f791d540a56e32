// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLibBPF

/// The user side of flowmon.bpf.c. It has no layout of its own: BTF of the running program says what the bytes mean.
@main
struct Flowmon: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what a running flowmon program reports.",
    subcommands: [Events.self, Counters.self])

  static func main() {
    // libbpf's own messages repeat what the errors say.
    libbpf_set_print(nil)
    main(nil)
  }
}

/// Where keyctl pins the maps of a collection.
struct CollectionOptions: ParsableArguments {
  @Option(name: .long, help: "The collection that keyctl loaded.")
  var collection = "flowmon"

  func map(_ name: String) -> String { "/sys/fs/bpf/keyctl/\(collection)/maps/\(name)" }
}

struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the ring buffer's records as they come, until interrupted.")

  @OptionGroup var options: CollectionOptions

  @Argument(help: "A pinned ring buffer, instead of the collection's.")
  var path: String?

  @Option(name: .long, help: "Stop after so many records.")
  var count: Int?

  @Option(name: .long, help: "Stop after so many seconds.")
  var seconds: Double?

  func validate() throws {
    guard count ?? 1 > 0 else { throw ValidationError("--count must be at least 1") }
    guard (0...1e9).contains(seconds ?? 0) else { throw ValidationError("--seconds must be 0 or more") }
  }

  func run() throws {
    let map = try PinnedMap(path: path ?? options.map("events"))
    let stream = EventStream(printer: try RecordPrinter(btfID: try map.btfOfUser()), limit: count)
    try stream.run(map: map, seconds: seconds)
  }
}

struct Counters: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Prints packets and bytes per protocol.")

  @OptionGroup var options: CollectionOptions

  func run() throws {
    let map = try PinnedMap(path: options.map("counters"))
    let printer = try TypePrinter(btfID: map.info.btf_id)
    try map.forEach { key, value in
      let name = try printer.text(of: map.info.btf_key_type_id, key)
      printLine("\(name): \(try printer.text(of: map.info.btf_value_type_id, value))")
    }
  }
}
