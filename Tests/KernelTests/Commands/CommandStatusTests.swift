// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// How the command ends: each exit status, with its message.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandStatus {
    @Test("0, 1 and 2: on, off and mixed")
    func isEnabled() throws {
      let multi = try Collection("multi")
      let key = "\(multi.name)/deny"
      func ask(_ options: String...) throws -> CommandResult {
        try run([Tools.built("keyctl"), "is-enabled", key] + options)
      }
      #expect(try ask().status == 1)
      #expect(try ask().stdout == "off\n")
      let one = try keyctl("enable", key, "--prog", multi.pin("progs", "multi_tc")).checked().stdout
      #expect(one.hasPrefix("\(key): off -> on (1 program, 1 site, "))
      #expect(try ask().status == 2)
      #expect(try ask().stdout == "mixed\n")
      #expect(try ask("-q").stdout == "")
      #expect(try ask("-q").status == 2)
      #expect(try ask("--prog", "name:multi_tc").status == 0)
      let toggle = try keyctl("toggle", key)
      #expect(toggle.status == 1)
      #expect(toggle.stderr.contains("on in some programs and off in others; enable or disable it"))
      #expect(try keyctl("enable", key).checked().stdout.hasPrefix("\(key): mixed -> on (1 program, "))
      #expect(try ask().status == 0)
      let json = try JSON(parsing: ask("--json").stdout)
      #expect(json["state"]?.string == "on")
      #expect(
        json["keys"]?[0]?.fields == ["collection", "key", "kind", "type", "state", "default", "programs", "sites"])
    }

    @Test("1: a name that means several keys or programs")
    func ambiguous() throws {
      let one = try Collection("multi")
      let two = try Collection("multi")
      let key = try keyctl("enable", "deny", "--json")
      #expect(key.status == 1)
      let error = try #require(try JSON(parsing: key.stderr)["error"])
      #expect(error["code"]?.string == "ambiguous")
      #expect(error["advice"]?.string == "name the collection, or write */deny for all")
      let program = try keyctl("dump", "name:multi_tc")
      #expect(program.status == 1)
      #expect(program.stderr.contains("several programs match 'name:multi_tc'"))
      #expect(try one.state("deny") == .off)
      // Not "*/deny": the machine may have other collections with such a key.
      #expect(try keyctl("enable", "t\(getpid())_*/deny").status == 0)
      #expect(try one.state("deny") == .on && two.state("deny") == .on)
    }

    @Test("1: what the verifier refuses, with the lines that tell and, with -v, the whole log")
    func verifier() throws {
      let bad = try Collection("badarm", engine: .reload)
      let key = "\(bad.name)/badarm"
      let result = try keyctl("enable", key)
      #expect(result.status == 1)
      let lines = result.stderr.split(separator: "\n").map(String.init)
      #expect(lines.first?.contains("badarm.bpf.c:") == true)
      #expect(lines.first?.contains("the verifier refuses it: invalid access to packet") == true)
      #expect(lines.first?.hasSuffix("; -v shows its whole log") == true)
      #expect(lines.dropFirst().first?.contains("; return data[100];") == true)
      let whole = try keyctl("enable", "-v", key).stderr.split(separator: "\n")
      #expect(whole.count > lines.count)
      #expect(whole.contains { $0.contains("processed ") })
      let json = try JSON(parsing: keyctl("enable", "-v", "--json", key).stderr)["error"]
      #expect(json?["code"]?.string == "verifier")
      #expect(json?["errno"]?.int == Int(EACCES))
      #expect(json?["verifier_log"]?.string?.contains("invalid access to packet") == true)
      #expect(try bad.state("badarm") == .off)
    }

    @Test("1: a name that is taken, and a hook that is taken")
    func taken() throws {
      let veth = try VethPair()
      let first = try Collection("counter", attach: ["xdp:\(veth.receiverHook)"])
      let object = try Fixture.object("counter", clang: 19)
      let name = try keyctl("load", object, "--name", first.name)
      #expect(name.status == 1)
      #expect(name.stderr.contains("a collection '\(first.name)' is loaded already"))
      let other = Collection.newName()
      let hook = try keyctl("load", object, "--name", other, "--attach", "xdp:\(veth.receiverHook)", "--json")
      #expect(hook.status == 1)
      #expect(try JSON(parsing: hook.stderr)["error"]?["code"]?.string == "exists")
      #expect(!CollectionStore().names().contains(other))
    }

    @Test("3: a program on a hook that does not let it be replaced")
    func unsupported() throws {
      let rawtp = try Collection("rawtp", engine: .reload)
      let program = try #require(try rawtp.programs().first)
      let key = try #require(program.template.keys.first).name
      let fd = try BPF.open(.program, id: program.id)
      let link = try OwnedFD(bpf_raw_tracepoint_open("sys_enter", fd.rawValue), "raw tracepoint")
      let result = try keyctl("toggle", "\(rawtp.name)/\(key)")
      #expect(result.status == 3)
      #expect(result.stderr.contains("raw_tracepoint"))
      #expect(link.rawValue >= 0)
    }

    @Test("4: no such key, program, pin, collection or device")
    func notFound() throws {
      let multi = try Collection("multi")
      let key = try keyctl("enable", "\(multi.name)/denny")
      #expect(key.status == 4)
      #expect(key.stderr.contains("did you mean ") && key.stderr.contains("\(multi.name)/deny"))
      #expect(try keyctl("list", "\(multi.name)/x*").status == 4)
      #expect(try keyctl("is-enabled", "\(multi.name)/deny", "--prog", "id:4294967295").status == 4)
      #expect(try keyctl("dump", "name:no_such_program").status == 4)
      #expect(try keyctl("dump", multi.pin("progs", "nosuch")).status == 4)
      #expect(try keyctl("unload", "nosuchcollection").status == 4)
      let object = try Fixture.object("counter", clang: 19)
      let device = try keyctl("load", object, "--name", Collection.newName(), "--attach", "xdp:nosuch0")
      #expect(device.status == 4)
      #expect(device.stderr.contains("nosuch0"))
    }

    @Test("5: no privilege; the capability is named", .requires(tool: "setpriv"))
    func permission() throws {
      let multi = try Collection("multi")
      // Only what the command needs is taken: the test's files stay readable wherever they are.
      let unprivileged = [
        "setpriv", "--bounding-set=-sys_admin,-bpf,-net_admin,-perfmon", "--inh-caps=-all", try Tools.built("keyctl"),
      ]
      for command in [["list"], ["enable", "\(multi.name)/deny"], ["dump", "name:multi_tc"]] {
        let result = try run(unprivileged + command)
        #expect(result.status == 5, "\(result)")
        #expect(result.stderr.contains("needs CAP_SYS_ADMIN; run it as root"), "\(result)")
      }
      let load = try run(
        unprivileged + ["load", Fixture.object("four", clang: 19), "--name", Collection.newName(), "--json"])
      #expect(load.status == 5, "\(load)")
      #expect(try JSON(parsing: load.stderr)["error"]?["code"]?.string == "permission")
      #expect(try multi.state("deny") == .off)
      let probe = try JSON(parsing: run(unprivileged + ["probe", "--json"]).checked().stdout)
      #expect(probe["engine"] == .null)
      #expect(probe["features"]?[0]?["available"] == .null)
    }

    @Test("6: an old program that something unseen keeps running is named, after the report")
    func partlyApplied() throws {
      let counter = try Collection("counter", engine: .reload)
      let old = try #require(try counter.programs().first).id
      let holder = try BPF.open(.program, id: old)
      let result = try keyctl("enable", "\(counter.name)/variant", "--json")
      #expect(result.status == 6)
      #expect(try JSON(parsing: result.stdout)["still_held"] == .array([.int(Int(old))]))
      let error = try #require(try JSON(parsing: result.stderr)["error"])
      #expect(error["code"]?.string == "partly_applied")
      #expect(error["message"]?.string?.contains("program \(old)") == true)
      #expect(error["advice"]?.string?.contains("a process may hold it") == true)
      #expect(try BPF.info(holder, bpf_prog_info()).id == old)
    }

    @Test("a program that cannot be read is told, and the others are listed; no control character reaches a terminal")
    func hostile() throws {
      let four = try Collection("four")
      let template = try #require(try four.programs().first).template
      let instance = ProgramInstance(collection: "evil\u{1b}[31m", mapIDs: [], values: template.defaults)
      let evil = try carrier(of: [("skey_template", template.encoded()), ("skey_instance", instance.encoded())])
      var damaged = template.encoded()
      damaged[40] ^= 1
      let broken = try carrier(of: [("skey_template", damaged), ("skey_instance", instance.encoded())])
      let result = try keyctl("list")
      #expect(result.status == 0)
      #expect(result.stdout.contains("evil\\u{1B}[31m"))
      #expect(!result.stdout.contains("\u{1b}"))
      #expect(result.stdout.contains(four.name))
      let id = try BPF.info(broken, bpf_prog_info()).id
      #expect(result.stderr.contains("keyctl: warning: program id \(id): "))
      let json = try keyctl("list", "--json")
      #expect(try JSON(parsing: json.stderr)["warning"]?["code"]?.string == "corrupted_template")
      #expect(try JSON(parsing: json.stdout).array.contains { $0["collection"]?.string == "evil\u{1b}[31m" })
      #expect(evil.rawValue >= 0)
    }

    /// A program that carries these maps, and nothing else.
    private func carrier(of maps: [(name: String, value: [UInt8])]) throws -> OwnedFD {
      var insns = [bpf_insn(), bpf_insn()]
      insns[0].code = 0xb7
      insns[1].code = 0x95
      let program = try OwnedFD(
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "skey_hostile", "GPL", &insns, 2, nil), "program")
      for (name, value) in maps {
        let map = try OwnedFD(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, UInt32(value.count), 1, nil), name)
        var key: UInt32 = 0
        var bytes = value
        guard bpf_map_update_elem(map.rawValue, &key, &bytes, 0) == 0,
          bpf_prog_bind_map(program.rawValue, map.rawValue, nil) == 0
        else { throw HarnessError("cannot prepare \(name)") }
      }
      return program
    }
  }
}
