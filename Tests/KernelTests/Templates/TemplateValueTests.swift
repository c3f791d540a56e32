// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Values of what is loaded from templates.
  @Suite(.serialized, .requiresRoot, .censused)
  struct TemplateValues {
    @Test("constants and variables are given first values, and are set afterwards", arguments: [14, 19])
    func constants(clang: Int) throws {
      let built = try BuiltTemplate("values", clang: clang)
      let values = try built.load(
        values: ["debug=true", "limits.rate[2]=5", "threshold=0x20", "live.rate[1]=1"])
      #expect(try values.run("reads_verdict") == 105)
      #expect(try values.run("reads_threshold") == 33)
      #expect(try values.get("packets") == "1")
      try values.set("verdict=1", "debug=off", "threshold=5", "live.low=-1")
      #expect(try values.run("reads_verdict") == 1)
      #expect(try values.run("reads_threshold") == 5)
      #expect(try values.get("limits.rate") == "[1, 2, 5, 4]" && values.get("packets") == "2")
      #expect(try BPF.mapID(pin: values.pin("maps", CollectionMaps.rodata(values))) == rodata(of: values))
      for (text, code) in [
        ("verdikt=1", StaticKeysError.Code.notFound), ("verdict=x", .badValue), ("limits.no=1", .notFound),
        ("seen=1", .ambiguous), ("folded=1", .notFound),
      ] {
        let error = #expect(throws: StaticKeysError.self) { try built.load(values: [text]) }
        #expect(error?.code == code && error?.place.file == built.path, "\(text)")
      }
    }

    private func rodata(of values: Collection) throws -> UInt32? {
      let program = try values.programs().first { $0.name == "reads_verdict" }
      return try program?.instance.mapIDs.first {
        try BPF.info(BPF.open(.map, id: $0), bpf_map_info()).map_flags & UInt32(BPF_F_RDONLY_PROG) != 0
      }
    }

    @Test("immediates too, beside keys", arguments: [14, 19])
    func immediates(clang: Int) throws {
      let built = try BuiltTemplate("consts", clang: clang)
      let consts = try built.load(values: ["level=LEVEL_HIGH", "key=on", "wide=0x8000000000000001"])
      #expect(try consts.run("branches") == 105 && consts.run("stores") == 5)
      #expect(try consts.get("wide") == "9223372036854775809" && consts.get("tiny") == "200")
      try consts.set("tiny=3", "key=off", "tiny_signed=-128")
      #expect(try consts.run("branches") == 12)
      #expect(try consts.get("tiny_signed") == "-128" && consts.get("level") == "LEVEL_HIGH")
      let talk = try BuiltTemplate("talk", clang: clang).load(values: ["foo=7", "bar=[4, 3, 2, 1]"])
      #expect(try talk.get("foo") == "7" && talk.get("bar") == "[4, 3, 2, 1]")
      try talk.set("foo=0xdeadbeef", "bar[3]=0xff")
      #expect(try talk.get("foo") == "3735928559" && talk.get("bar") == "[4, 3, 2, 255]")
    }

    @Test("so they are by the command")
    func command() throws {
      for (fixture, settings) in [
        ("values", ["debug=true", "limits.rate[2]=5", "threshold=32"]), ("consts", ["level=LEVEL_HIGH", "key=on"]),
      ] {
        let built = try BuiltTemplate(fixture)
        let name = Collection.newName()
        defer { _ = try? CollectionStore().remove(name) }
        let load = ["load", "-q", built.path, "--name", name, Collection.engineOption]
        let refused = try run([Tools.built("keyctl")] + load + ["--set", "nosuch=1"])
        #expect(refused.status == 4 && refused.stderr.contains("\(built.path): "))
        try run([Tools.built("keyctl")] + load + settings.flatMap { ["--set", $0] }).checked()
        let names = settings.map { "\(name)/\($0.prefix { $0 != "=" })" }
        let shown = try run([Tools.built("keyctl"), "get"] + names).checked().stdout
        #expect(shown == settings.map { "\(name)/\($0)\n" }.joined())
      }
    }

    @Test("a value in a map that is shared is no instance's own")
    func sharedMap() throws {
      let values = try Instances("values")
      let spec = { (name: String, text: String) in
        InstanceSpec(name: name, values: [InitialValue(try #require(ValuePattern("verdict")), text)])
      }
      let error = #expect(throws: StaticKeysError.self) { try values.add(spec("a", "1"), sharing: [".rodata*"]) }
      #expect(error?.code == .usage && error?.message.hasPrefix("'.rodata' is shared") == true)
      #expect(error?.place.program == "\(values.name)[a]")
      #expect(!CollectionStore().names().contains(values.name))
      try values.add(spec("a", "1"), sharing: [".bss", ".data"])
      try values.add(spec("b", "3"), sharing: [".bss", ".data"])
      #expect(try values.run("a", "reads_verdict") == 1 && values.run("b", "reads_verdict") == 3)
    }

    @Test("a shared map is one of the same layout and flags, or refused", .requiresCompiler)
    func otherLayout() throws {
      func version(_ variables: String, flags: String = "0") throws -> CompiledObject {
        try CompiledObject(
          version: "#define DEVICES devices",
          then: """
            \(variables)
            struct {
              __uint(type, BPF_MAP_TYPE_HASH);
              __uint(max_entries, 8);
              __uint(map_flags, \(flags));
              __type(key, __u32);
              __type(value, __u64);
            } more SEC(".maps");
            """)
      }
      let (x, y) = ("const volatile __u32 x = 5;", "const volatile __u32 y = 6;")
      let (first, same) = (try version(x + y), try version(x + y))
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      func add(_ instance: String, _ object: CompiledObject, sharing map: String) throws {
        _ = try CollectionLoader().load(
          FilePath(object.path), name: name, instances: [InstanceSpec(name: instance)], sharing: [Glob(map)],
          engine: Collection.engineUnderTest)
      }
      try add("a", first, sharing: "*")
      try add("b", same, sharing: "*")
      let swapped = try version(y + x)
      let layout = #expect(throws: StaticKeysError.self) { try add("c", swapped, sharing: ".rodata*") }
      #expect(layout?.code == .exists && layout?.message.contains("y at 4, x at 8") == true, "\(layout as Any)")
      let flagged = try version(x + y, flags: "BPF_F_NO_PREALLOC")
      let flags = #expect(throws: StaticKeysError.self) { try add("c", flagged, sharing: "more") }
      #expect(flags?.code == .exists && flags?.message.contains("flags 0x1") == true, "\(flags as Any)")
      #expect(CollectionStore().instances(of: name) == ["a", "b"])
      try add("c", swapped, sharing: "more")
      try add("d", flagged, sharing: ".rodata*")
      #expect(CollectionStore().instances(of: name) == ["a", "b", "c", "d"])
    }

    @Test("variables of hostile size are refused before anybody makes room for them")
    func hostileSize() throws {
      var template = try BuiltTemplate("values").template
      for number in 0..<3 {
        template.maps.append(
          MapTemplate(
            name: ".data.\(number)", isSection: true, type: 2, keySize: 4, valueSize: 100 << 20, maxEntries: 1))
      }
      let value = InitialValue(try #require(ValuePattern("verdict")), "1")
      let error = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().load(template, name: Collection.newName(), values: [value])
      }
      #expect(error?.code == .unsupported && error?.message.hasPrefix("its variables take 300 MiB") == true)
    }

    @Test("a template made by hand is looked through before it is used")
    func handMade() throws {
      var template = try BuiltTemplate("four").template
      template.programs[0].slots = template.programs[0].slots.map { _ in 99 }
      template.programs[0].tied = [99]
      let whole = #expect(throws: StaticKeysError.self) { try CollectionLoader().load(template) }
      let instances = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().load(template, instances: [InstanceSpec("a")])
      }
      #expect(whole?.code == .corruptedTemplate && instances?.code == .corruptedTemplate)
    }

    @Test("types with tags on a kernel that does not know them are refused by name")
    func tags() throws {
      let old = BPFSystem { call throws(Errno) in if call == .btfLoad { throw Errno.invalidArgument } }
      let tagged = try BuiltTemplate("four").template
      let error = #expect(throws: StaticKeysError.self) { try CollectionLoader(system: old).load(tagged) }
      #expect(error?.code == .unsupported && error?.message.contains("declaration tags") == true)
      #expect(error?.advice?.contains("Linux 5.16") == true)
      let plain = try BuiltTemplate("nokeys").template
      let other = #expect(throws: StaticKeysError.self) { try CollectionLoader(system: old).load(plain) }
      #expect(other?.code == .kernel)
    }
  }
}
