// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Loading, and everything it refuses; whatever is refused leaves nothing behind.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Load {
    private func refusal(
      _ fixture: String, set settings: [(String, Bool)] = [], attach: [String] = []
    ) -> StaticKeysError? {
      #expect(throws: StaticKeysError.self) { try Collection(fixture, set: settings, attach: attach) }
    }

    @Test("programs, maps and links are pinned, and unload leaves nothing")
    func roundTrip() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["counter=xdp:\(veth.receiverHook)"])
      #expect(
        BPFFSListing.files(under: counter.report.directory.string) == [
          "links/counter_0", "maps/arms", "maps/seen", "progs/counter",
        ])
      let removed = try CollectionStore().remove(counter.name)
      #expect(removed.count == 4)
      #expect(!CollectionStore().names().contains(counter.name))
      #expect(throws: StaticKeysError.self) { try CollectionStore().remove(counter.name) }
    }

    @Test("unload takes a link off its hook even if another process holds it")
    func forcedDetach() throws {
      let veth = try VethPair()
      let counter = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"])
      let link = try BPF.open(pin: counter.pin("links", "counter_0"))
      try CollectionStore().remove(counter.name)
      #expect(try BPF.info(link, bpf_link_info()).xdp.ifindex == 0)
    }

    @Test("a template map is tied to each program, frozen, and unreadable to nobody")
    func carriers() throws {
      let four = try Collection("four")
      for program in try four.programs() {
        let map = try BPF.open(.map, id: program.templateMapID)
        var key: UInt32 = 0
        var value = try BPF.value(map, at: 0)
        #expect(bpf_map_update_elem(map.rawValue, &key, &value, 0) == -EPERM)
        #expect(try ProgramTemplate(decoding: value) == program.template)
      }
    }

    @Test("a name that is taken")
    func nameTaken() throws {
      let four = try Collection("four")
      let error = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().load(FilePath(Fixture.object("four", clang: 19)), name: four.name)
      }
      #expect(error?.code == .exists)
      #expect(try four.programs().count == 4)
    }

    @Test("a name that no directory can have", arguments: ["", "a/b", "a.b", "..", "a b", "*"])
    func badName(name: String) throws {
      let error = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().load(FilePath(Fixture.object("four", clang: 19)), name: name)
      }
      #expect(error?.code == .usage)
    }

    @Test("a key that the object does not define")
    func unknownKey() throws {
      let error = refusal("four", set: [("nosuch", true)])
      #expect(error?.code == .notFound)
      #expect(error?.advice?.contains("key_false, key_true") == true)
    }

    @Test("a device and a namespace that do not exist")
    func noDevice() throws {
      let veth = try VethPair()
      let error = refusal("counter", attach: ["xdp:nosuch0@\(veth.receiver.name)"])
      #expect(error?.code == .notFound && error?.message.contains("nosuch0") == true)
      let other = refusal("counter", attach: ["xdp:rx0@nosuchns"])
      #expect(other?.code == .notFound && other?.message.contains("nosuchns") == true)
      let cgroup = refusal("cgroup", attach: ["cgroup:/nosuchcgroup"])
      #expect(cgroup?.code == .notFound && cgroup?.message.contains("/nosuchcgroup") == true)
    }

    @Test("a hook that is taken")
    func hookTaken() throws {
      let veth = try VethPair()
      let first = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"])
      let error = refusal("counter", attach: ["xdp:\(veth.receiverHook)"])
      #expect(error?.code == .exists && error?.errno == EBUSY)
      #expect(try first.programs().count == 1)
    }

    @Test("several programs that could go to a hook, one that cannot, and none")
    func whichProgram() throws {
      let veth = try VethPair()
      let hook = "xdp:\(veth.receiverHook)"
      let several = refusal("four", attach: [hook])
      #expect(several?.code == .ambiguous && several?.advice?.contains("true_likely=xdp:") == true)
      #expect(refusal("four", attach: ["nosuch=\(hook)"])?.code == .notFound)
      #expect(refusal("multi", attach: ["multi_tc=\(hook)"])?.code == .usage)
      #expect(refusal("tcx", attach: [hook])?.code == .notFound)
    }

    @Test("a verifier refusal at load names program, C line and reason")
    func verifierRefusal() throws {
      let error = refusal("badarm", set: [("badarm", true)])
      #expect(error?.code == .verifier)
      #expect(error?.place.program == "bad")
      #expect(error?.place.source?.hasPrefix("badarm.bpf.c:") == true)
      #expect(error?.message.contains("invalid access to packet") == true)
    }

    @Test("objects that are none, or not for this machine", arguments: ["nobtf", "undefined", "four-big"])
    func badObjects(fixture: String) throws {
      let code = refusal(fixture)?.code
      let expected: StaticKeysError.Code =
        fixture == "nobtf" ? .noBTF : fixture == "undefined" ? .undefinedKey : .notBPFObject
      #expect(code == expected)
    }

    @Test("a program without keys loads and unloads like any other")
    func noKeys() throws {
      let nokeys = try Collection("nokeys")
      #expect(try nokeys.programs().flatMap(\.template.sites).isEmpty)
    }
  }
}

/// The files in a folder of bpffs.
enum BPFFSListing {
  /// All files under a folder, by path from it, sorted.
  static func files(under folder: String) -> [String] {
    let output = (try? run(["find", folder, "-type", "f", "-printf", "%P\\n"]).stdout) ?? ""
    return output.split(separator: "\n").map(String.init).sorted()
  }

  /// The directories beside collections, and theirs, whose names start like this.
  static func directories(of name: String) -> [String] {
    let command = [
      "find", CollectionStore.root.string, "-mindepth", "1", "-maxdepth", "1", "-name", "\(name)*", "-printf",
    ]
    let output = (try? run(command + ["%P\\n"]).stdout) ?? ""
    return output.split(separator: "\n").map(String.init).sorted()
  }
}
