// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

@Suite("Variables in type information")
struct ValueTypeTests {
  private func section(_ name: String, _ compiler: String) throws -> DataSection {
    try #require(try ObjectFile(path: FixtureObject.path("values", compiler)).btf().dataSection(named: name))
  }

  @Test("Settings have the types that C gave them", arguments: FixtureObject.compilers)
  func settings(compiler: String) throws {
    let variables = try section(".rodata", compiler).variables
    let shown = Dictionary(
      uniqueKeysWithValues: variables.map { ($0.name, $0.type.declaration(of: $0.name) + " \($0.type.size)") })
    #expect(shown["debug"] == "bool debug 1")
    #expect(shown["verdict"] == "__u32 verdict 4")
    #expect(shown["tiny"] == "__s8 tiny 1")
    #expect(shown["wide"] == "__u64 wide 8")
    #expect(shown["mode"] == "enum mode mode 4")
    #expect(shown["device"] == "char device[16] 16")
    #expect(shown["limits"] == "struct limits limits 32")
    #expect(variables.filter { $0.isVolatile }.allSatisfy { $0.isConst })
    #expect(variables.first { $0.name == "folded" }?.isVolatile != true)
    #expect(variables.filter(\.isVolatile).count == 8)
  }

  @Test("Members lie where the compiler put them", arguments: FixtureObject.compilers)
  func members(compiler: String) throws {
    let limits = try #require(try section(".rodata", compiler).variables.first { $0.name == "limits" }).type
    let members = limits.namedMembers
    #expect(members.map(\.name) == ["low", "high", "rate", "name", "word", "bytes", "cookie"])
    #expect(members.map(\.bitOffset) == [0, 3, 16, 80, 160, 160, 192])
    #expect(members.map(\.bitWidth) == [3, 5, nil, nil, nil, nil, nil])
    #expect(members.last?.type.name == "void *")
  }

  @Test("An enum with a negative member is signed", arguments: FixtureObject.compilers)
  func enums(compiler: String) throws {
    let mode = try #require(try section(".rodata", compiler).variables.first { $0.name == "mode" }).type
    let place = ValueLocation(whole: mode, named: "mode")
    var bytes: [UInt8] = [0, 0, 0, 0]
    try place.set("MODE_NEGATIVE", in: &bytes)
    #expect(bytes == [255, 255, 255, 255])
    #expect(place.value(in: bytes).description == "MODE_NEGATIVE")
    try place.set("-2", in: &bytes)
    #expect(place.value(in: bytes).description == "-2")
  }

  @Test("A member of an enum that has no name is none")
  func namelessMember() throws {
    var bytes = try ObjectFile(path: FixtureObject.path("values")).btf().bytes()
    let name = try #require(bytes.firstRange(of: Array("MODE_NEGATIVE".utf8)))
    bytes[name.lowerBound] = 0
    let section = try #require(try BTFObject(bytes: bytes).dataSection(named: ".rodata"))
    let mode = try #require(section.variables.first { $0.name == "mode" }).type
    #expect(ValueLocation(whole: mode, named: "mode").value(in: [255, 255, 255, 255]).description == "-1")
  }

  @Test("Static variables of functions bear the function's name", arguments: FixtureObject.compilers)
  func statics(compiler: String) throws {
    let names = try section(".bss", compiler).variables.map(\.name)
    #expect(Set(names).isSuperset(of: ["packets", "live", "calls", "reads_verdict.seen", "reads_mode.seen"]))
  }

  @Test("What is no section of variables is none")
  func others() throws {
    let btf = try ObjectFile(path: FixtureObject.path("values")).btf()
    #expect(btf.dataSection(named: ".none") == nil)
    #expect(btf.dataSection(0) == nil && btf.dataSection(.max) == nil && btf.dataSection(1) == nil)
  }

  @Test("Damaged type information gives types that fit their bytes, or none")
  func damaged() throws {
    let object = try ObjectFile(path: FixtureObject.path("values"))
    let original = try object.btf().bytes()
    var random = Seeded(state: 0x7a1e)
    var read = 0
    for _ in 0..<1500 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 24..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let btf = try? BTFObject(bytes: bytes) else { continue }
      for name in [".rodata", ".bss", ".data"] {
        for variable in btf.dataSection(named: name)?.variables ?? [] {
          let zeroes = [UInt8](repeating: 0, count: min(variable.type.size, 4096))
          let place = ValueLocation(whole: variable.type, named: variable.name)
          #expect(!place.value(in: zeroes, limit: 1000).description.isEmpty)
          read += 1
        }
      }
    }
    #expect(read > 1000)
  }
}
