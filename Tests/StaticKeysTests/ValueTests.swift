// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@Suite struct ValueTests {
  private static let u16 = ValueType(name: "__u16", size: 2, shape: .integer(isSigned: false))
  private static let int = ValueType(name: "int", size: 4, shape: .integer(isSigned: true))
  private static let char = ValueType(name: "char", size: 1, shape: .character)
  private static let bool = ValueType(name: "bool", size: 1, shape: .boolean)
  private static let mode = ValueType(
    name: "enum mode", size: 4,
    shape: .enumeration(
      isSigned: true,
      [.init(name: "STRICT", bits: 7), .init(name: "NONE", bits: .max), .init(name: "WIDE", bits: 8)]))
  private static let name = array(char, 8)
  private static let inner = ValueType(
    name: "struct", size: 2, shape: .structure([.init(name: "hidden", type: u16, bitOffset: 0)]))
  private static let limits = ValueType(
    name: "struct limits", size: 28,
    shape: .structure([
      .init(name: "low", type: int, bitOffset: 0, bitWidth: 3),
      .init(name: "high", type: unsigned(4), bitOffset: 3, bitWidth: 5),
      .init(name: "rate", type: array(u16, 4), bitOffset: 16),
      .init(name: "name", type: name, bitOffset: 80),
      .init(name: "", type: inner, bitOffset: 144),
      .init(name: "next", type: ValueType(name: "void *", size: 8, shape: .pointer), bitOffset: 160),
    ]))

  private static func array(_ element: ValueType, _ count: Int) -> ValueType {
    ValueType(name: element.name, size: element.size * count, shape: .array(of: element, count: count))
  }

  private static func unsigned(_ size: Int) -> ValueType {
    ValueType(name: "__u\(size * 8)", size: size, shape: .integer(isSigned: false))
  }

  private static func signed(_ size: Int) -> ValueType {
    ValueType(name: "__s\(size * 8)", size: size, shape: .integer(isSigned: true))
  }

  /// What is shown after a text was put into zeroes.
  private func set(_ text: String, _ type: ValueType, path: String = "") throws -> String {
    var bytes = [UInt8](repeating: 0, count: type.size)
    let whole = ValueLocation(whole: type, named: "v")
    let location = try whole.part(#require(ValuePath(path)))
    try location.set(text, in: &bytes)
    return location.value(in: bytes).description
  }

  private func failure(_ text: String, _ type: ValueType, path: String = "") throws -> StaticKeysError {
    try #require(throws: StaticKeysError.self) { try set(text, type, path: path) }
  }

  @Test("integers of every size and sign take exactly their range", arguments: [1, 2, 4, 8, 16])
  func ranges(size: Int) throws {
    let bits = UInt128(size * 8)
    let highest: UInt128 = size == 16 ? .max : (1 << bits) - 1
    #expect(try set("\(highest)", Self.unsigned(size)) == "\(highest)")
    #expect(try set("0x\(String(highest, radix: 16))", Self.unsigned(size)) == "\(highest)")
    #expect(try failure("-1", Self.unsigned(size)).code == .badValue)
    #expect(try set("-\(highest / 2 + 1)", Self.signed(size)) == "-\(highest / 2 + 1)")
    #expect(try set("\(highest / 2)", Self.signed(size)) == "\(highest / 2)")
    #expect(try failure("-\(highest / 2 + 2)", Self.signed(size)).code == .badValue)
    #expect(try failure("\(highest / 2 + 1)", Self.signed(size)).code == .badValue)
    if size < 16 { #expect(try failure("\(highest + 1)", Self.unsigned(size)).code == .badValue) }
    #expect(try failure("9999999999999999999999999999999999999999999", Self.unsigned(size)).code == .badValue)
  }

  @Test("what is no number is refused with the type as C writes it")
  func wrongTypes() throws {
    let error = try failure("70000", Self.limits, path: ".rate[2]")
    #expect(error.message == "__u16 v.rate[2]: '70000' is out of range")
    #expect(error.advice == "it holds 0 to 65535")
    for text in ["", "x", "1x", "--1", "0x", "1.5", "[1]", "{a=1}", "\"1\"", "1 2", "٣"] {
      #expect(try failure(text, Self.int).code == .badValue, "\(text)")
    }
    #expect(try failure("010", Self.int).message == "int v: '010' has a leading zero, which C takes for octal")
    #expect(try failure("maybe", Self.bool).message == "bool v: 'maybe' is no truth value")
    #expect(try failure("LOOSE", Self.mode).advice == "it has STRICT, NONE, WIDE")
  }

  @Test(
    "truth values, enums, chars and texts",
    arguments: [
      ("on", "true"), ("off", "false"), ("true", "true"), ("false", "false"), ("1", "true"), ("0", "false"),
    ])
  func switches(word: String, shown: String) throws { #expect(try set(word, Self.bool) == shown) }

  @Test func enums() throws {
    #expect(try set("STRICT", Self.mode) == "STRICT")
    #expect(try set("7", Self.mode) == "STRICT")
    #expect(try set("-1", Self.mode) == "NONE")
    #expect(try set("3", Self.mode) == "3")
  }

  @Test("an enum's name that a bitfield has no room for is refused as its number is")
  func enumInBitfield() throws {
    for (type, width, fits, fitsNot) in [(Self.mode, 4, "STRICT", "WIDE"), (Self.mode, 1, "NONE", "STRICT")] {
      let holder = ValueType(
        name: "struct s", size: 4, shape: .structure([.init(name: "mode", type: type, bitOffset: 0, bitWidth: width)]))
      #expect(try set(fits, holder, path: ".mode") == fits)
      let error = try failure(fitsNot, holder, path: ".mode")
      #expect(error.message == "enum mode v.mode:\(width): '\(fitsNot)' is out of range")
    }
    let unsigned = ValueType(
      name: "enum u", size: 4, shape: .enumeration(isSigned: false, [.init(name: "HIGH", bits: 0xffff_ffff)]))
    #expect(try set("HIGH", unsigned) == "HIGH")
  }

  @Test func chars() throws {
    #expect(try set("'x'", Self.char) == "'x'")
    #expect(try set("[',', ']']", Self.array(Self.char, 2)) == "[',', ']']")
    #expect(try set("-1", Self.char) == "-1")
    #expect(try set("255", Self.char) == "-1")
    #expect(try failure("256", Self.char).code == .badValue)
  }

  @Test("texts end with a 0 that must fit, and go in with or without quotes")
  func texts() throws {
    #expect(try set("eth0", Self.name) == "\"eth0\"")
    #expect(try set("\"a\\x01\\\"\\\\b\"", Self.name) == "\"a\\x01\\\"\\\\b\"")
    #expect(try set("1234567", Self.name) == "\"1234567\"")
    #expect(try set("", Self.name) == "\"\"")
    #expect(try failure("12345678", Self.name).message.hasPrefix("char v[8]: the text is 8 bytes long"))
    #expect(try failure("\"open", Self.name).code == .badValue)
    #expect(try set("['a', 0, 'b', 0, 0, 0, 0, 0]", Self.name) == "['a', 0, 'b', 0, 0, 0, 0, 0]")
  }

  @Test("a shorter text leaves nothing of the longer one before it")
  func textIsPadded() throws {
    var bytes = [UInt8](repeating: 0xff, count: 8)
    try ValueLocation(whole: Self.name, named: "v").set("ab", in: &bytes)
    #expect(bytes == [0x61, 0x62, 0, 0, 0, 0, 0, 0])
  }

  @Test("arrays and structs, whole and by path; what is not named stays")
  func parts() throws {
    #expect(try set("[1, 0x2,3,4]", Self.array(Self.unsigned(1), 4)) == "[1, 2, 3, 4]")
    let text = "{low=-4, high=31, rate=[1, 2, 3, 4], name=\"eth0\", hidden=9, next=0x0}"
    #expect(try set(text, Self.limits) == text)
    #expect(
      try set("{rate=[1,2,3,4]}", Self.limits)
        == "{low=0, high=0, rate=[1, 2, 3, 4], name=\"\", hidden=0, next=0x0}")
    #expect(try set("9", Self.limits, path: ".hidden") == "9")
    #expect(try set("eth0", Self.limits, path: ".name") == "\"eth0\"")
    #expect(try failure("[1,2]", Self.array(Self.unsigned(1), 4)).message.contains("has 4 elements, not 2"))
    #expect(try failure("4", Self.limits, path: ".low").advice == "it holds -4 to 3")
    #expect(try failure("4", Self.limits, path: ".low").message == "int v.low:3: '4' is out of range")
    #expect(try failure("0x1", Self.limits, path: ".next").message.contains("cannot be set"))
    #expect(try failure("5", Self.limits).code == .badValue)
  }

  @Test("a bitfield's neighbours keep their bits")
  func bitfields() throws {
    var bytes = [UInt8](repeating: 0xff, count: 28)
    try ValueLocation(whole: Self.limits, named: "v").part(#require(ValuePath(".low"))).set("0", in: &bytes)
    #expect(bytes == [0xf8] + [UInt8](repeating: 0xff, count: 27))
  }

  @Test("a path to nowhere names what there is")
  func badPaths() throws {
    #expect(try failure("1", Self.limits, path: ".rat").advice == "did you mean rate?")
    #expect(try failure("1", Self.limits, path: ".zzzzzz").advice == "it has low, high, rate, name, hidden, next")
    #expect(try failure("1", Self.limits, path: ".rate[4]").advice == "its elements are 0 to 3")
    #expect(try failure("1", Self.limits, path: ".rate.x").code == .notFound)
    #expect(try failure("1", Self.int, path: "[0]").message == "int v is no array, so it has no element 0")
    for path in ["x", ".", "[", "[1", "[-1]", "[1]x", ".a..b", "[99999999999999999999]", ".[1]"] {
      #expect(ValuePath(path) == nil, "\(path)")
    }
  }

  @Test("what is shown of any bytes can be given back, and then changes nothing")
  func roundTrip() throws {
    let whole = ValueLocation(whole: Self.limits, named: "v")
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let bytes = (0..<28).map { _ in UInt8.random(in: 0...255, using: &generator) }
      var copy = bytes
      let text = whole.value(in: bytes).description
      try whole.set(text, in: &copy)
      #expect(copy == bytes, "\(text)")
    }
  }

  @Test("what another build can be given has no pointers and floating-point numbers, nor what consists of them")
  func settable() throws {
    let bytes = [UInt8](repeating: 0, count: 28)
    let limits = ValueLocation(whole: Self.limits, named: "v")
    let text = "{low=0, high=0, rate=[0, 0, 0, 0], name=\"\", hidden=0}"
    #expect(limits.value(in: bytes).settable?.description == text)
    var copy = bytes
    #expect(throws: Never.self) { try limits.set(text, in: &copy) }
    let double = ValueType(name: "double", size: 8, shape: .floating)
    let holder = ValueType(
      name: "struct s", size: 8, shape: .structure([.init(name: "ratio", type: double, bitOffset: 0)]))
    for type in [double, Self.array(double, 2), holder, Self.array(holder, 3)] {
      let whole = ValueLocation(whole: type, named: "v")
      #expect(whole.value(in: bytes).settable == nil)
    }
  }

  @Test("types of hostile size are shown in part, and quickly")
  func hostileTypes() {
    let empty = ValueType(name: "struct e", size: 0, shape: .structure([]))
    let huge = Self.array(Self.array(empty, 1 << 30), 1 << 30)
    let whole = ValueLocation(whole: huge, named: "v")
    #expect(whole.value(in: [], limit: 10).compact.hasSuffix("…]]"))
    var deep = empty
    for _ in 0..<60 {
      deep = ValueType(
        name: "struct d", size: 0,
        shape: .structure([.init(name: "", type: deep, bitOffset: 0), .init(name: "", type: deep, bitOffset: 0)]))
    }
    #expect(deep.namedMembers.isEmpty)
  }

  @Test("members without a name count too: types may come from bytes that would have us look at four billion")
  func membersWithoutNames() {
    var type = Self.int
    for _ in 0..<4 {
      let member = ValueType.Member(name: "", type: type, bitOffset: 0)
      type = ValueType(name: "struct", size: 4, shape: .structure(Array(repeating: member, count: 65535)))
    }
    #expect(type.namedMembers.isEmpty)
  }

  @Test("types are written as C declares them")
  func declarations() {
    #expect(Self.array(Self.array(Self.int, 3), 2).declaration(of: "m") == "int m[2][3]")
    #expect(ValueType(name: "task_struct *", size: 8, shape: .pointer).declaration(of: "p") == "task_struct *p")
  }
}
