// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A look at a collection right before each call that another process, here this one, makes to the kernel.
private final class Onlooker: Sendable {
  private let seen = Mutex<[Set<String>]>([])
  private let collection: String

  init(at collection: String) { self.collection = collection }

  /// The kernel as the writer is to see it.
  var system: BPFSystem {
    BPFSystem { _ throws(Errno) in self.look() }
  }

  /// What was seen, each once, in the order in which it came.
  var views: [Set<String>] {
    seen.withLock { $0.reduce(into: []) { views, view in if views.last != view { views.append(view) } } }
  }

  func look() {
    do {
      let inventory = try Inventory.current()
      #expect(inventory.unreadable.isEmpty, "\(inventory.unreadable.map(\.error.description))")
      let programs = inventory.programs.filter { $0.instance.collection == collection }
      // The same program twice, in two states, would be one that is not in force.
      let names = programs.map { "\($0.instance.name ?? "-") \($0.name)" }
      #expect(Set(names).count == names.count, "\(names)")
      seen.withLock { $0.append(Set(names)) }
    } catch {
      Issue.record(error)
    }
  }
}

extension KernelTests {
  /// What readers see while a writer is at work: the old state or the new one.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Readers {
    @Test("a collection that is being loaded is not there, and then is there with all of its programs")
    func load() throws {
      let name = Collection.newName()
      let onlooker = Onlooker(at: name)
      let veth = try VethPair()
      let multi = try Collection(
        object: Fixture.object("multi", clang: 19), name: name, attach: ["multi_xdp=xdp:\(veth.receiverHook)"],
        system: onlooker.system)
      onlooker.look()
      #expect(onlooker.views == [[], ["- multi_xdp", "- multi_tc"]])
      withExtendedLifetime(multi) {}
    }

    @Test("instances of a template come all at once, the first ones and those that are added")
    func instances() throws {
      let multi = try Instances("multi")
      let onlooker = Onlooker(at: multi.name)
      try multi.add(InstanceSpec("a"), InstanceSpec("b"), system: onlooker.system)
      onlooker.look()
      let first: Set = ["a multi_xdp", "a multi_tc", "b multi_xdp", "b multi_tc"]
      #expect(onlooker.views == [[], first])
      try multi.add(InstanceSpec("c"), InstanceSpec("d"), system: onlooker.system)
      onlooker.look()
      let added: Set = ["c multi_xdp", "c multi_tc", "d multi_xdp", "d multi_tc"]
      #expect(onlooker.views == [[], first, first.union(added)])
    }

    @Test("programs that join a collection, or take others' places, are not seen before they do")
    func joining() throws {
      let collection = try Collection(VersionedObject())
      let onlooker = Onlooker(at: collection.name)
      try collection.add(VersionedObject("third"), system: onlooker.system)
      onlooker.look()
      let (two, three): (Set, Set) = (["- first", "- second"], ["- first", "- second", "- third"])
      #expect(onlooker.views == [two, three])
      try collection.replace(
        by: VersionedObject("four"), system: onlooker.system)
      onlooker.look()
      #expect(onlooker.views == [two, three, three.union(["- fourth"])])
    }

    @Test("a variant that is not in force is not seen", .requiresEngine(.reload))
    func flip() throws {
      let name = Collection.newName()
      let onlooker = Onlooker(at: name)
      let multi = try Collection(
        object: Fixture.object("multi", clang: 19), name: name, engine: .reload, system: onlooker.system)
      try multi.flip(.enable, "deny", dryRun: true)
      try multi.flip(.enable, "deny")
      #expect(onlooker.views == [[], ["- multi_xdp", "- multi_tc"]])
    }
  }
}
