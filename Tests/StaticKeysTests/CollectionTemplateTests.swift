// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StaticKeys

@Suite struct CollectionTemplateTests {
  private static let template = CollectionTemplate(
    object: "object",
    keys: [
      StaticKey(name: TemplateFixtures.off, defaultValue: false),
      StaticKey(name: TemplateFixtures.on, defaultValue: true),
    ],
    btf: [1, 2, 3, 4, 5],
    maps: [
      MapTemplate(name: "hits", type: 1, keySize: 4, valueSize: 8, maxEntries: 3, flags: 1, keyType: 1, valueType: 2),
      MapTemplate(
        name: ".rodata", isSection: true, type: 2, keySize: 4, valueSize: 3, maxEntries: 1, flags: 0x80,
        valueType: 9, content: [7, 8, 9], isFrozen: true),
      MapTemplate(
        name: "outer", type: 12, keySize: 4, valueSize: 4, maxEntries: 2, numaNode: 1, extra: 5,
        inner: [MapTemplate(name: "outer.inner", type: 2, keySize: 4, valueSize: 4, maxEntries: 1)]),
    ],
    programs: [.init(section: "xdp", template: TemplateFixtures.template, slots: [2, 0], tied: [1])],
    binding: KernelBinding(
      kernel: KernelIdentity(release: "6.1.0", typesHash: 0x123), reasons: ["CO-RE relocations", "kernel symbols"]))

  private let bytes = Self.template.encoded()

  private func refusal(_ bytes: [UInt8]) -> StaticKeysError? {
    #expect(throws: StaticKeysError.self) { try CollectionTemplate(decoding: bytes) }
  }

  @Test func roundTrip() throws {
    #expect(try CollectionTemplate(decoding: bytes) == Self.template)
    #expect(CollectionTemplate.isEncoded(bytes))
    #expect(!CollectionTemplate.isEncoded([]) && !CollectionTemplate.isEncoded([0x7f, 0x45, 0x4c, 0x46]))
  }

  @Test("a change of any one bit, and of any one byte to all others of some, is refused") func everyByte() {
    for index in bytes.indices {
      for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] as [UInt8] {
        var damaged = bytes
        damaged[index] ^= flip
        let code = refusal(damaged)?.code
        #expect([.corruptedTemplate, .futureVersion, .pastVersion].contains(code), "byte \(index) changed by \(flip)")
      }
    }
  }

  @Test func everyTruncation() {
    for length in bytes.indices { #expect(refusal(Array(bytes[..<length]))?.code == .corruptedTemplate) }
  }

  @Test("bytes after the end are refused, zeros too: a file is no map") func bytesAfterTheEnd() {
    #expect(refusal(bytes + [1])?.code == .corruptedTemplate)
    #expect(refusal(bytes + [0])?.message == "template file goes on after its end")
  }

  @Test func newerVersion() {
    var newer = bytes
    newer[4] = UInt8(Envelope.collection.version) + 1
    let error = refusal(newer)
    #expect(error?.code == .futureVersion)
    #expect(error?.message == "template file has version 2, this program knows up to 1")
    #expect(error?.advice == "use the version of keyctl that built it, or a newer one")
  }

  @Test("an older version is to be built again, not loaded") func olderVersion() {
    var older = bytes
    older[4] = 0
    let error = refusal(older)
    #expect(error?.code == .pastVersion)
    #expect(error?.advice?.hasSuffix("or build it again with this one's 'template build'") == true)
  }

  @Test("a body of which one byte is another and whose checksum fits is taken or refused, and nothing else happens")
  func hostileBodies() throws {
    let body = Array(try Envelope.collection.unwrap(bytes))
    var accepted = 0
    for index in body.indices {
      for value in [0, 1, 0x7f, 0xff] as [UInt8] where body[index] != value {
        var damaged = body
        damaged[index] = value
        do throws(StaticKeysError) {
          let template = try CollectionTemplate(decoding: Envelope.collection.wrap(damaged))
          try template.validate()
          accepted += 1
        } catch {
          let expected: [StaticKeysError.Code] = [.corruptedTemplate, .futureVersion, .pastVersion, .badSite]
          #expect(expected.contains(error.code), "byte \(index): \(error)")
        }
      }
    }
    // Sizes of maps and the like can be anything that the kernel takes.
    #expect(accepted > 0)
  }

  @Test("counts that nothing follows", arguments: 0..<4) func absurdCounts(part: Int) {
    var out = ByteWriter()
    out.write("object")
    out.write(false)
    if part > 0 { out.write(count: 0) }
    if part > 1 { out.write(counted: [1]) }
    if part > 2 { out.write(count: 0) }
    out.write(UInt32.max)
    let message = refusal(Envelope.collection.wrap(out.bytes))?.message
    #expect(message?.hasPrefix("counts 4294967295") == true || message == "ends in the middle of a value")
  }

  @Test("maps in maps in maps") func deepNesting() {
    var inner = MapTemplate(name: "m", type: 1, keySize: 1, valueSize: 1, maxEntries: 1)
    for _ in 0..<100 {
      inner = MapTemplate(name: "m", type: 12, keySize: 4, valueSize: 4, maxEntries: 1, inner: [inner])
    }
    var deep = Self.template
    deep.maps.append(inner)
    #expect(refusal(deep.encoded())?.message == "nests maps too deep")
  }

  private struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let spoil: @Sendable (inout CollectionTemplate) -> Void

    init(_ description: String, _ spoil: @escaping @Sendable (inout CollectionTemplate) -> Void) {
      testDescription = description
      self.spoil = spoil
    }
  }

  private static let faults = [
    Fault("has no programs") { $0.programs = [] },
    Fault("has no type information") { $0.btf = [] },
    Fault("no proper name") { $0.object = "" },
    Fault("names a key twice") { $0.keys.append($0.keys[0]) },
    Fault("names a map twice") { $0.maps.append($0.maps[0]) },
    Fault("names a program twice") { $0.programs.append($0.programs[0]) },
    Fault("a map has no proper name") { $0.maps[0].name = "a\u{0}b" },
    Fault("has the name of a section") { $0.maps[0].name = ".bss" },
    Fault("has content, but is no section") { $0.maps[0].isFrozen = true },
    Fault("has content of another size") { $0.maps[1].content = [1] },
    Fault("is a section, but no array of one value") { $0.maps[1].maxEntries = 2 },
    Fault("is a section, but no array of one value") { $0.maps[1].keySize = 8 },
    Fault("is a section, but no array of one value") { $0.maps[1].type = 6 },
    Fault("several kinds of inner maps") { $0.maps[2].inner += $0.maps[2].inner },
    Fault("an inner map that none can be") { $0.maps[2].inner[0].isSection = true },
    Fault("a name is no text") { $0.programs[0].section = "x\u{1b}[2J" },
    Fault("its map slots are not those of its template") { $0.programs[0].slots = [0] },
    Fault("names a map that there is not") { $0.programs[0].slots = [0, 3] },
    Fault("names a map that there is not") { $0.programs[0].tied = [3] },
    Fault("has no instructions") { $0.programs[0].template.instructions = [] },
    Fault("uses the key on, which is not defined so") {
      $0.keys[1] = StaticKey(name: TemplateFixtures.on, defaultValue: false)
    },
  ]

  @Test("parts that do not fit together", arguments: faults) private func validation(fault: Fault) {
    var template = Self.template
    fault.spoil(&template)
    #expect(refusal(template.encoded())?.message.contains(fault.testDescription) == true)
    let error = #expect(throws: StaticKeysError.self, "as it is made by hand") { try template.validate() }
    #expect(error?.message.contains(fault.testDescription) == true)
  }

  @Test("a template for one kernel names both where it meets another one") func binding() throws {
    let binding = try #require(Self.template.binding)
    try binding.require(binding.kernel)
    let other = #expect(throws: StaticKeysError.self) {
      try binding.require(KernelIdentity(release: "6.12.1", typesHash: 0x123))
    }
    #expect(other?.code == .unsupported)
    #expect(other?.message == "it was built for kernel 6.1.0, and this is 6.12.1")
    #expect(other?.advice?.contains("CO-RE relocations, kernel symbols") == true)
    let rebuilt = #expect(throws: StaticKeysError.self) {
      try binding.require(KernelIdentity(release: "6.1.0", typesHash: 0x124))
    }
    #expect(
      rebuilt?.message == "it was built for kernel 6.1.0 (types 0000000000000123), and this is "
        + "6.1.0 (types 0000000000000124)")
  }

  @Test("the hash of a kernel's types counts every byte and the length") func hash() {
    let types = (0..<37).map { UInt8($0) }
    var hashes = Set([KernelIdentity.hash(ofTypes: types), KernelIdentity.hash(ofTypes: types + [0])])
    for index in types.indices {
      var other = types
      other[index] ^= 0x80
      hashes.insert(KernelIdentity.hash(ofTypes: other))
    }
    #expect(hashes.count == types.count + 2)
  }

  @Test(
    "a section's map is called as libbpf calls it",
    arguments: [
      (".rodata", "flowmon", "flowmon.rodata"), (".rodata", "a_long_name", "a_long_n.rodata"),
      (".bss", "four-stripped", "four_str.bss"), (".data", "x", "x.data"), (".rodata.more", "x", ".rodata.more"),
    ])
  func mapName(section: String, collection: String, name: String) {
    let map = MapTemplate(name: section, isSection: true, type: 2, keySize: 4, valueSize: 4, maxEntries: 1)
    #expect(map.name(in: collection) == name)
    #expect(MapTemplate(name: "hits", type: 2, keySize: 4, valueSize: 4, maxEntries: 1).name(in: "x") == "hits")
  }
}
