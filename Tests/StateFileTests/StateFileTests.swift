// SPDX-License-Identifier: Apache-2.0

import StateFile
import StaticKeys
import SystemPackage
import TestSupport
import Testing

@Suite struct StateFileTests {
  private func parse(_ text: String) throws -> WantedState { try StateFile.parse(Array(text.utf8)) }

  private func settings(_ text: String) throws -> [String] {
    try parse(text).collections.flatMap { collection in
      collection.keys.map { "\(collection.name)/\($0.keys)=\($0.isOn ? "on" : "off")" }
    }
  }

  private static let head = "version: 1\ncollections:\n"

  @Test("YAML by hand, with patterns and lines")
  func yaml() throws {
    let text = """
      # what the night shift wants
      version: 1
      collections:
        flowmon:
          keys: {debug_events: on, drop_*: off}
        "*":
          keys:
            trace: "on"
      """
    #expect(try settings(text) == ["flowmon/debug_events=on", "flowmon/drop_*=off", "*/trace=on"])
    #expect(try parse(text).collections.flatMap(\.keys).map(\.line) == [5, 5, 8])
  }

  @Test("the same in JSON, with tabs")
  func json() throws {
    let text = "{\n\t\"version\": 1,\n\t\"collections\": {\"flowmon\": {\"keys\": {\"a\": true, \"b\": false}}}\n}\n"
    #expect(try settings(text) == ["flowmon/a=on", "flowmon/b=off"])
  }

  @Test(
    "truth values mean what they look like",
    arguments: ["on", "On", "ON", "true", "True", "yes", "YES", "'on'", "\"true\""])
  func on(value: String) throws {
    #expect(try settings(Self.head + "  c: {keys: {k: \(value)}}") == ["c/k=on"])
  }

  @Test("and their opposites", arguments: ["off", "Off", "false", "FALSE", "no", "No", "'off'"])
  func off(value: String) throws {
    #expect(try settings(Self.head + "  c: {keys: {k: \(value)}}") == ["c/k=off"])
  }

  @Test("keys whose names YAML takes for something else")
  func names() throws {
    #expect(
      try settings(Self.head + "  on: {keys: {no: on, null: off, y: on}}") == ["on/no=on", "on/null=off", "on/y=on"])
  }

  @Test("lines that are commented out leave an empty mapping", arguments: ["", " {}", " ~"])
  func empty(value: String) throws {
    #expect(try parse("version: 1\ncollections:\(value)\n").collections.isEmpty)
    #expect(try settings(Self.head + "  c:\(value)\n") == [])
    #expect(try settings(Self.head + "  c:\n    keys:\(value)\n") == [])
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    let text: String
    let line: Int?
    let told: String
    let code: StaticKeysError.Code

    init(_ text: String, line: Int?, _ told: String, code: StaticKeysError.Code = .malformed) {
      self.text = text
      self.line = line
      self.told = told
      self.code = code
    }

    var testDescription: String { told }
  }

  private static let mistakes = [
    Mistake("", line: nil, "it is empty", code: .file),
    Mistake("# nothing\n", line: nil, "it is empty", code: .file),
    Mistake("just words", line: 1, "the file must be a mapping, not a single value"),
    Mistake("- a\n", line: 1, "the file must be a mapping, not a list"),
    Mistake("collections: {}\n", line: 1, "it does not say its version"),
    Mistake("version: 1\n", line: 1, "it has no 'collections'"),
    Mistake("version: 2\ncollections: {}\n", line: 1, "it is of version 2, this program knows 1", code: .futureVersion),
    Mistake("version: one\ncollections: {}\n", line: 1, "'version' must be a number"),
    Mistake("version: -1\ncollections: {}\n", line: 1, "'version' must be a number"),
    Mistake("version: 1\ncollection: {}\n", line: 2, "the unknown field 'collection'; did you mean 'collections'?"),
    Mistake(head + "  c:\n    kez: {a: on}\n", line: 4, "'c' has the unknown field 'kez'; known are keys, values"),
    Mistake(head + "  c:\n    keys:\n      a: on\n      b: 3\n", line: 6, "'b' must be on or off, not '3'"),
    Mistake(head + "  c:\n    keys:\n      a: [on]\n", line: 5, "'a' must be on or off, not a list"),
    Mistake(head + "  c:\n    keys:\n      a:\n", line: 5, "'a' must be on or off, not ''"),
    Mistake(head + "  c: [a, b]\n", line: 3, "the collection 'c' must be a mapping, not a list"),
    Mistake(head + "  c:\n    keys: on\n", line: 4, "'keys' of the collection 'c' must be a mapping"),
    Mistake(head + "  c: {keys: {a: on, b: on, a: off}}\n", line: 3, "'a' stands here more than once"),
    Mistake(head + "  c:\n    keys:\n      a: on\n      \"a\": off\n", line: 5, "'a' stands here more than once"),
    Mistake(head + "  c: {keys: {}}\n  c: {keys: {}}\n", line: 3, "'c' stands here more than once"),
    Mistake(head + "  c: {keys: {*: on}}\n", line: 3, "quote a pattern that starts with *"),
    Mistake(head + "  c:\n    keys:\n      *_events: on\n", line: 5, "quote a pattern that starts with *"),
    Mistake(head + "  c: {keys: {d/a: on}}\n", line: 3, "'d/a' cannot be a key's name"),
    Mistake(head + "  c:\n    values:\n      a:\n", line: 5, "'a' has no value"),
    Mistake(head + "  c: {values: {d/a: 1}}\n", line: 3, "'d/a' cannot be a value's name"),
    Mistake(head + "  c: {values: [1]}\n", line: 3, "'values' of the collection 'c' must be a mapping"),
    Mistake(head + "  c: {values: {a: {b: 1, b: 2}}}\n", line: 3, "'b' stands here more than once"),
    Mistake(head + "  c: {keys: {\"\": on}}\n", line: 3, "'' cannot be a key's name"),
    Mistake(head + "  \"\": {keys: {a: on}}\n", line: 3, "a collection has no name"),
    Mistake(head + "  c: {keys: {[a]: on}}\n", line: 3, "a list cannot be a name"),
    Mistake(head + "  c:\n  keys: &x {a: on}\n", line: 4, "anchors (&) are not taken"),
    Mistake(head + "\tc: {}\n", line: 3, "it is no YAML"),
    Mistake("version: 1\ncollections: {\n", line: 3, "it is no YAML"),
    Mistake("version: 1\ncollections: {}\n---\nversion: 1\n", line: 3, "it is no YAML"),
    Mistake("version: 1\u{0}\n", line: nil, "it is no YAML"),
  ]

  @Test("mistakes are told with their line", arguments: mistakes)
  func mistake(_ mistake: Mistake) {
    let error = #expect(throws: StaticKeysError.self) { try parse(mistake.text) }
    #expect(error?.code == mistake.code)
    #expect(error?.description.contains(mistake.told) == true, "\(error?.description ?? "")")
    #expect(error?.place.line == mistake.line, "\(error?.description ?? "")")
  }

  @Test("what is not UTF-8")
  func notUTF8() {
    let error = #expect(throws: StaticKeysError.self) { try StateFile.parse([0x76, 0xff, 0xfe]) }
    #expect(error?.message == "it is not UTF-8")
  }

  @Test("nesting without end, in every form", arguments: ["[", "{a: ", "- ", "? ", "[{a: ", "!!x "])
  func nesting(opening: String) {
    let text = "version: 1\ncollections: " + String(repeating: opening, count: 100_000)
    #expect(throws: StaticKeysError.self) { try parse(text) }
  }

  @Test("aliases that stand for exponentially many nodes")
  func bomb() {
    var text = "version: 1\na0: &a0 {x: on}\n"
    for level in 1..<60 { text += "a\(level): &a\(level) {? *a\(level - 1) : *a\(level - 1), z: *a\(level - 1)}\n" }
    let error = #expect(throws: StaticKeysError.self) { try parse(text) }
    #expect(error?.message == "anchors (&) are not taken")
  }

  @Test("random damage is never more than an error")
  func damage() {
    let good = Array((Self.head + "  flowmon:\n    keys: {debug_events: on, \"drop_*\": off}\n").utf8)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<3_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do { _ = try StateFile.parse(bytes) } catch { #expect(!error.message.isEmpty) }
    }
  }

  @Test("files that cannot be read")
  func files() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: StaticKeysError.self) { try StateFile.read("/nosuch.yaml") }
    #expect(missing?.code == .file && missing?.errno == 2 && missing?.place.file == "/nosuch.yaml")
    let directory = #expect(throws: StaticKeysError.self) { try StateFile.read(FilePath(folder.path)) }
    #expect(directory?.message == "cannot read it: Is a directory")
    let long = try folder.write([UInt8](repeating: 0x20, count: (1 << 20) + 1), to: "long.yaml")
    #expect(throws: StaticKeysError.self) { try StateFile.read(FilePath(long)) }
    let good = try folder.write(Array((Self.head + "  c: {keys: {a: 1}}\n").utf8), to: "good.yaml")
    let error = #expect(throws: StaticKeysError.self) { try StateFile.read(FilePath(good)) }
    #expect(error?.description == "\(good):3: 'a' must be on or off, not '1'")
  }

  @Test("what is written is read as the same, whatever the names are")
  func roundTrip() throws {
    let names = ["flowmon", "on", "a-b", "9lives", "-x", "Null", "wei\u{df} \"\\", "a &b", "\n\u{7}", ": #", "y"]
    let keys = ["debug", "no", "_1"].enumerated().map { WantedState.Setting(keys: Glob($1), isOn: $0 % 2 == 0) }
    var state = WantedState(collections: names.map { WantedState.Collection(name: Glob($0), keys: keys) })
    let lines = StateFile.lines(of: state)
    var read = try parse(lines.joined(separator: "\n") + "\n")
    #expect(StateFile.lines(of: read) == lines)
    for index in read.collections.indices {
      for key in read.collections[index].keys.indices { read.collections[index].keys[key].line = nil }
      read.collections[index].keys.sort { $0.keys.pattern < $1.keys.pattern }
      state.collections[index].keys.sort { $0.keys.pattern < $1.keys.pattern }
    }
    #expect(read == state)
  }

  @Test("values are taken as they are written, lists and mappings as set takes them")
  func values() throws {
    let text =
      Self.head + """
          c:
            values:
              rate: 100
              "limits.rate[2]": 0x10
              name: "a \\"b"
              debug: on
              list: [1, -2, 'x y']
              pair: {a: 1, b: [RED, GREEN]}
              same: "{a=1, b=[RED, GREEN]}"

        """
    let values = try #require(try parse(text).collections.first).values
    #expect(
      values.map(\.text) == [
        "100", "0x10", "a \"b", "on", "[1, -2, \"x y\"]", "{a=1, b=[RED, GREEN]}", "{a=1, b=[RED, GREEN]}",
      ])
    #expect(values.map(\.expression) == ["rate", "limits.rate[2]", "name", "debug", "list", "pair", "same"])
    #expect(values.map(\.line) == [5, 6, 7, 8, 9, 10, 11])
  }

  @Test("written values are read as the same")
  func valuesRoundTrip() throws {
    let texts = [
      "1", "-1", "0x1f", "true", "on", "RED", "\"a\\\"\\x07\"", "'&'", "[1, 2]", "{a=1, b=\"x\"}", "", "y", "1.5",
    ]
    let values = texts.enumerated().map { WantedState.Assignment(expression: "v\(10 + $0).m[1]", text: $1) }
    let state = WantedState(collections: [.init(name: Glob("c"), values: values, mixedValues: ["v0"])])
    let lines = StateFile.lines(of: state)
    #expect(lines.prefix(5) == ["version: 1", "collections:", "  c:", "    values:", "      # v0: mixed"])
    let read = try #require(try parse(lines.joined(separator: "\n")).collections.first)
    #expect(read.values.map(\.text) == texts && read.values.map(\.expression) == values.map(\.expression))
  }

  @Test("what is mixed or cannot be set stands in a comment, at its place")
  func mixed() throws {
    let key = try #require(KeyName("b"))
    let state = WantedState(collections: [
      .init(name: Glob("c"), keys: ["a", "z"].map { .init(keys: Glob($0), isOn: true) }, mixed: [key])
    ])
    let lines = StateFile.lines(of: state)
    #expect(lines.suffix(3) == ["      a: on", "      # b: mixed", "      z: on"])
    #expect(try settings(lines.joined(separator: "\n")) == ["c/a=on", "c/z=on"])
    let value = WantedState.Assignment(expression: "b", text: "1")
    let left = StateFile.lines(
      of: WantedState(collections: [.init(name: Glob("c"), values: [value], mixedValues: ["c"], unsettable: ["a"])]))
    #expect(left.suffix(3) == ["      # a: cannot be set", "      b: 1", "      # c: mixed"])
    #expect(StateFile.lines(of: WantedState()) == ["version: 1", "collections: {}"])
  }
}
