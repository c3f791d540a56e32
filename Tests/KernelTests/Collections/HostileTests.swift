// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// What somebody else may tie to a program under our maps' names is refused, and harms nothing else.
  @Suite(.serialized, .requiresRoot, .censused)
  struct Hostile {
    /// A program that carries these maps, and nothing else.
    private func program(carrying maps: [(name: String, value: [UInt8])]) throws -> OwnedFD {
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

    /// What the inventory says of a program that carries these maps.
    private func verdict(_ maps: [(name: String, value: [UInt8])]) throws -> StaticKeysError? {
      let program = try program(carrying: maps)
      let id = try BPF.info(program, bpf_prog_info()).id
      return try Inventory.current().unreadable.first { $0.id == id }?.error
    }

    private func good() throws -> (template: [UInt8], instance: [UInt8]) {
      let nokeys = try Collection("nokeys")
      let program = try #require(try nokeys.programs().first)
      return (program.template.encoded(), program.instance.encoded())
    }

    @Test("a damaged template")
    func damaged() throws {
      var (template, instance) = try good()
      template[40] ^= 1
      let error = try verdict([("skey_template", template), ("skey_instance", instance)])
      #expect(error?.code == .corruptedTemplate)
      #expect(error?.message.contains("checksum") == true)
    }

    @Test("a template of a newer version")
    func future() throws {
      var (template, instance) = try good()
      template[4] = 99
      let error = try verdict([("skey_template", template), ("skey_instance", instance)])
      #expect(error?.code == .futureVersion)
      #expect(error?.message.contains("version 99") == true)
    }

    @Test("an instance without a template, two templates, and an instance for maps that the program does not hold")
    func contradictions() throws {
      let (template, instance) = try good()
      #expect(
        try verdict([("skey_instance", instance), ("other", [0, 0, 0, 0])])?.code == .corruptedTemplate)
      #expect(
        try verdict([("skey_template", template), ("skey_template", template), ("skey_instance", instance)])?.code
          == .corruptedTemplate)
      let foreign = try Collection("multi")
      let other = try #require(try foreign.programs().first)
      let error = try verdict([
        ("skey_template", other.template.encoded()), ("skey_instance", other.instance.encoded()),
      ])
      #expect(error?.message.contains("maps that the program does not hold") == true)
    }

    @Test("maps that only bear the name", arguments: [1, 3, 4, 20, 4096])
    func noise(size: Int) throws {
      let noise = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      #expect(try verdict([("skey_template", noise), ("skey_instance", noise)])?.code == .corruptedTemplate)
    }

    @Test("programs beside it are listed and flipped all the same; a key that is only there is explained")
    func besides() throws {
      var (template, instance) = try good()
      template[30] ^= 0x80
      let broken = try program(carrying: [("skey_template", template), ("skey_instance", instance)])
      let four = try Collection("four")
      try four.flip(.enable, "key_false")
      #expect(try four.state("key_false") == .on)
      let nosuch = try #require(KeyPattern("nosuch"))
      let error = #expect(throws: StaticKeysError.self) {
        try ValueIndex(of: Inventory.current()).matches(for: [nosuch], among: .switches)
      }
      #expect(error?.code == .corruptedTemplate)
      withExtendedLifetime(broken.rawValue) {}
    }
  }
}
