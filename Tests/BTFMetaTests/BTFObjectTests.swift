// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Testing

@testable import BTFMeta

@Suite("Type information")
struct BTFObjectTests {
  @Test("Ids and offsets out of range have no answer")
  func bounds() throws {
    let btf = try ObjectFile(path: FixtureObject.path("four")).btf()
    #expect(btf.typeCount > 1)
    for id in [0, btf.typeCount, btf.typeCount + 1, .max] { #expect(btf.functionName(id) == nil) }
    #expect(btf.string(at: 0) == "")
    #expect(btf.string(at: 1 << 20) == nil)
    #expect(btf.string(at: .max) == nil)
    #expect(try btf.declTags(on: 0).isEmpty)
    #expect(try btf.declTags(on: .max).isEmpty)
  }

  @Test("A type that is no function has no function's name and takes no tag")
  func otherKinds() throws {
    let btf = try ObjectFile(path: FixtureObject.path("four")).btf()
    let functions = Set(btf.functions().values.joined())
    let other = try #require((1..<btf.typeCount).first { !functions.contains($0) })
    let key = try #require(KeyName("k"))
    let branch = try #require(
      StaticBranch(
        key: key, insn: FunctionOffset(1), target: FunctionOffset(2), layout: .likely, defaultValue: true))
    #expect(btf.functionName(other) == nil)
    expectFailure(.malformed, "insn 1, key k: BTF id \(other) is no function") {
      try btf.addTag(.branch(branch), to: other)
    }
  }

  @Test("Tags of one function are found by its id")
  func tagsOfAFunction() throws {
    let btf = try ObjectFile(bytes: Annotator.annotatedImage(of: FixtureObject.path("subprogs")), name: "a.o").btf()
    let branches = try btf.branches()
    #expect(branches.values.map(\.count).sorted() == [1, 1, 1, 3])
    for (id, expected) in branches {
      let tags = try btf.declTags(on: id)
      #expect(tags.map(\.text) == expected.map(\.tag))
    }
  }

  @Test("Lent type information reads alike and is not freed")
  func lent() throws {
    let owner = try ObjectFile(bytes: Annotator.annotatedImage(of: FixtureObject.path("four")), name: "a.o").btf()
    let branches = try owner.branches()
    for _ in 0..<3 {
      let lent = BTFObject(borrowing: owner.raw)
      #expect(try lent.branches() == branches)
    }
    #expect(try owner.branches() == branches)
  }

  @Test("Bytes go through unchanged in either order", arguments: ["four", "four-big"])
  func bytes(name: String) throws {
    let object = try ObjectFile(path: FixtureObject.path(name))
    let section = try object.handle.rawBytes(section: object.btfSection().index)
    let bytes = try object.btf().bytes()
    #expect(bytes == section)
  }
}

@Suite("Which function holds a byte")
struct FunctionIndexTests {
  private func function(_ name: String, _ section: Int, _ start: UInt64, _ count: Int) -> ObjectFunction {
    ObjectFunction(
      name: name, section: "s\(section)", start: ByteOffset(start), byteCount: count, isGlobal: true,
      sectionIndex: section)
  }

  @Test("The index answers as a look at every function does")
  func comparedWithASearch() {
    var generator = Seeded(state: 0xf0_0d)
    for _ in 0..<300 {
      let functions = (0..<Int.random(in: 0...6, using: &generator)).map {
        function(
          "f\($0)", .random(in: 1...2, using: &generator), .random(in: 0...12, using: &generator),
          .random(in: 0...6, using: &generator))
      }.sorted(by: ObjectFunction.precedes)
      let index = FunctionIndex(functions)
      for section in 0...3 {
        for byte: UInt64 in 0...20 {
          let holders = functions.filter { $0.sectionIndex == section && $0.start.rawValue <= byte && byte < $0.end }
          let shares = functions.filter { other in
            holders.first.map { $0 != other && other.byteCount > 0 && Self.overlap($0, other) } ?? false
          }
          switch index.holder(ofByte: byte, section: section) {
          case .nothing: #expect(holders.isEmpty, "\(functions) \(section) \(byte)")
          case .function(let found): #expect(holders == [found], "\(functions) \(section) \(byte)")
          case .overlap: #expect(holders.count > 1 || !shares.isEmpty, "\(functions) \(section) \(byte)")
          }
        }
      }
    }
  }

  private static func overlap(_ a: ObjectFunction, _ b: ObjectFunction) -> Bool {
    a.sectionIndex == b.sectionIndex && a.start.rawValue < b.end && b.start.rawValue < a.end
  }
}
