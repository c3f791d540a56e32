// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import TestSupport
import Testing

extension KernelTests {
  /// Instances on the command line.
  @Suite(.serialized, .requiresRoot, .censused)
  struct InstanceCommands {
    private let template: BuiltTemplate
    private let name = Collection.newName()

    init() throws { template = try BuiltTemplate("eight") }

    private func json(_ arguments: String...) throws -> JSON {
      try JSON(parsing: run([Tools.built("keyctl")] + arguments + ["--json"]).checked().stdout)
    }

    @Test("{i} stands for the instance in --set and --attach")
    func placeholders() throws {
      let veth = try VethPair()
      try run(["ip", "-n", veth.receiver.name, "link", "add", "v1", "type", "veth", "peer", "name", "v0"]).checked()
      defer { _ = try? keyctl("unload", name) }
      let loaded = try json(
        "load", template.path, "--name", name, "--instances", "2", "--set", "k{i}=on",
        "--attach", "eight_xdp=xdp:v{i}@\(veth.receiver.name)", Collection.engineOption)
      #expect(
        loaded["links"]?.array.compactMap { $0["hook"]?.string }
          == ["v0", "v1"].map { "xdp:\($0)@\(veth.receiver.name)" })
      #expect(loaded["keys"]?.array.compactMap { $0["state"]?.string }.prefix(3) == ["mixed", "mixed", "off"])
      for (key, instance, state) in [("k0", "0", "on"), ("k0", "1", "off"), ("k1", "0", "off"), ("k1", "1", "on")] {
        #expect(try json("list", "\(name)/\(key)", "--instance", instance)[0]?["state"]?.string == state)
      }
    }

    @Test("list, show and flips tell of instances and are narrowed to them")
    func narrowing() throws {
      let load = ["load", "-q", template.path, "--name", name, Collection.engineOption]
      let twice = try run([Tools.built("keyctl")] + load + ["--instance", "web", "--instance", "web"])
      #expect(twice.status == 1 && twice.stderr.contains("the instance 'web' is asked for twice"))
      try run([Tools.built("keyctl")] + load + ["--instance", "web", "--instance", "db"]).checked()
      defer { _ = try? keyctl("unload", name) }
      let key = "\(name)/k3"
      let flipped = try json("enable", key, "--instance", "w*")
      #expect(Set(flipped["programs"]?.array.compactMap { $0["instance"]?.string } ?? []) == ["web"])
      #expect(try keyctl("is-enabled", "-q", key).status == 2)
      #expect(try keyctl("is-enabled", "-q", key, "--instance", "web").status == 0)
      #expect(try keyctl("is-enabled", "-q", key, "--instance", "db").status == 1)
      let list = try keyctl("list", key).checked().stdout.split(separator: "\n").map {
        $0.split { $0 == " " }.map(String.init)
      }
      #expect(
        list == [
          ["COLLECTION", "KEY", "STATE", "DEFAULT", "PROGRAMS", "SITES", "KIND", "INSTANCES", "HANGS", "ON"],
          [name, "k3", "mixed", "off", "4", "4", "key", "2", "pin"],
        ])
      #expect(try keyctl("show", key).checked().stdout.contains("eight_xdp of instance web: pin "))
      let none = try keyctl("enable", key, "--instance", "nosuch")
      #expect(none.status == 4 && none.stderr.contains("instance:nosuch"))
      #expect(
        try keyctl("unload", name, "--instance", "web").checked().stdout
          == "unloaded \(name) instance web: 2 pins removed\n")
      let taken = try keyctl("load", template.path, "--name", name, "--instance", "db")
      #expect(taken.status == 1 && taken.stderr.contains("has an instance 'db' already"))
    }

    @Test(
      "options that exclude each other",
      arguments: [
        ["--instance", "a", "--instances", "2"], ["--instances", "0"], ["--share-map", "x"],
        ["--instance", "a", "--replace"], ["--instance", "a", "--into", "b"], ["--set", "k{i}"], ["--instance", "a b"],
      ])
    func usage(options: [String]) throws {
      let result = try run([Tools.built("keyctl"), "load", template.path, "--name", name] + options)
      #expect(result.status == 64, "\(result)")
    }
  }
}
