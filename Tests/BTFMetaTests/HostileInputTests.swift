// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

@Suite("Hostile objects end in an error or a good answer")
struct HostileInputTests {
  /// Everything that reads an object; whether it was refused.
  private func isRefused(_ bytes: [UInt8]) throws -> Bool {
    do throws(StaticKeysError) {
      let object = try ObjectFile(bytes: bytes, name: "hostile.o")
      let summary = try object.summary()
      let annotated = try object.annotated()
      let again = try ObjectFile(bytes: annotated.bytes, name: "again.o")
      #expect(try again.sites() == summary.sites)
      return false
    } catch {
      // An error tells something, on one line.
      #expect(!error.message.isEmpty && !error.description.contains("\n"))
      return true
    }
  }

  @Test("Random bytes of objects changed", arguments: ["four", "four-big", "subprogs", "share-stripped"])
  func mutated(name: String) throws {
    let original = try FixtureObject.bytes(name)
    var random = Seeded(state: 0x5eed_0000 + UInt64(name.utf8.count))
    var refused = 0
    let rounds = 1500
    for _ in 0..<rounds {
      var bytes = original
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if try isRefused(bytes) { refused += 1 }
    }
    // Both happen, or the mutations would show nothing.
    #expect(refused > rounds / 20 && refused < rounds * 19 / 20, "\(refused) of \(rounds)")
  }

  @Test("Every byte of the headers set to its extremes", arguments: ["four", "four-big"])
  func headers(name: String) throws {
    let original = try FixtureObject.bytes(name)
    let field = original[40..<48]
    let table = (name == "four" ? field.reversed() : Array(field)).reduce(0) { $0 << 8 | Int($1) }
    var refused = 0
    for place in Array(0..<64) + Array(table..<original.count) {
      for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] where original[place] != value {
        var bytes = original
        bytes[place] = value
        if try isRefused(bytes) { refused += 1 }
      }
    }
    #expect(refused > 500)
  }

  @Test("Random bytes of type information changed", arguments: ["four", "four-big", "counter"])
  func mutatedBTF(name: String) throws {
    let object = try ObjectFile(path: FixtureObject.path(name))
    let original = try ObjectFile(bytes: object.annotated().bytes, name: name).btf().bytes()
    var random = Seeded(state: 0xb7f0_0000 + UInt64(name.utf8.count))
    var refused = 0
    let rounds = 3000
    for _ in 0..<rounds {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do throws(StaticKeysError) {
        let btf = try BTFObject(bytes: bytes)
        _ = try btf.branches()
        #expect(try btf.bytes().count >= 24)
      } catch {
        refused += 1
      }
    }
    #expect(refused > rounds / 20 && refused < rounds * 19 / 20, "\(refused) of \(rounds)")
  }
}
