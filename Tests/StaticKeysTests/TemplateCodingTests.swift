// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import StaticKeys

@Suite struct TemplateCodingTests {
  private let bytes = TemplateFixtures.template.encoded()

  private func refusal(_ bytes: [UInt8]) -> StaticKeysError? {
    #expect(throws: StaticKeysError.self) { try ProgramTemplate(decoding: bytes) }
  }

  @Test func roundTrip() throws {
    #expect(try ProgramTemplate(decoding: bytes) == TemplateFixtures.template)
    #expect(try ProgramTemplate(decoding: bytes + [0, 0, 0, 0, 0]) == TemplateFixtures.template)
  }

  @Test("a change of any one byte to any other value is refused") func everyByte() {
    for index in bytes.indices {
      for flip in UInt8(1)...255 {
        var damaged = bytes
        damaged[index] ^= flip
        do {
          _ = try ProgramTemplate(decoding: damaged)
          Issue.record("byte \(index) changed by \(flip) is accepted")
        } catch {
          guard [.corruptedTemplate, .futureVersion, .pastVersion].contains(error.code) else {
            Issue.record("byte \(index) changed by \(flip): \(error)")
            return
          }
        }
      }
    }
  }

  @Test func everyTruncation() {
    for length in bytes.indices { #expect(refusal(Array(bytes[..<length]))?.code == .corruptedTemplate) }
  }

  @Test func bytesAfterTheEnd() { #expect(refusal(bytes + [1])?.code == .corruptedTemplate) }

  @Test func newerVersion() {
    var newer = bytes
    newer[4] = 3
    let error = refusal(newer)
    #expect(error?.code == .futureVersion)
    #expect(error?.message == "template has version 3, this program knows up to 2")
  }

  @Test func olderVersion() {
    var older = bytes
    older[4] = 1
    let error = refusal(older)
    #expect(error?.code == .pastVersion)
    #expect(error?.message == "template has version 1, this program knows only 2")
  }

  @Test("an instance is no template and the other way round") func otherKind() {
    #expect(refusal(TemplateFixtures.instance.encoded())?.code == .corruptedTemplate)
    let error = #expect(throws: StaticKeysError.self) {
      try ProgramInstance(decoding: bytes, for: TemplateFixtures.template)
    }
    #expect(error?.code == .corruptedTemplate)
  }

  /// A body whose checksum is right, so that what it says is looked at.
  private func body(_ build: (inout ByteWriter) -> Void) -> [UInt8] {
    var out = ByteWriter()
    build(&out)
    return Envelope.template.wrap(out.bytes)
  }

  private func head(_ out: inout ByteWriter, name: [UInt8] = Array("p".utf8)) {
    out.write(counted: name)
    for _ in 0..<5 { out.write(UInt32(0)) }
    out.write("GPL")
  }

  @Test func hostileLengths() {
    #expect(refusal(body { $0.write(UInt32.max) })?.message == "ends in the middle of a value")
    let instructions = body {
      head(&$0)
      $0.write(counted: [0x95, 0, 0, 0])
    }
    #expect(refusal(instructions)?.message == "ends in the middle of an instruction")
    let sites = body {
      head(&$0)
      $0.write(counted: Instruction(opcode: 0x95).bytes(order: .little))
      for _ in 0..<2 { $0.write(UInt32(0)); $0.write(counted: []) }
      $0.write(UInt32(0))
      $0.write(UInt32.max)
    }
    #expect(refusal(sites)?.message.hasPrefix("counts 4294967295 records") == true)
  }

  @Test func nameThatIsNoText() {
    #expect(refusal(body { head(&$0, name: [0xff]) })?.message == "holds a name that is not UTF-8")
  }

  @Test func siteThatIsNone() {
    let bytes = body {
      head(&$0)
      $0.write(counted: Instruction(opcode: 0x95).bytes(order: .little))
      for _ in 0..<2 { $0.write(UInt32(0)); $0.write(counted: []) }
      $0.write(UInt32(0))
      $0.write(UInt32(1))
      $0.write("main")
      $0.write(UInt32(0))
      $0.write("static_branch key=a insn=4 target=2 likely default=true")
    }
    #expect(refusal(bytes)?.message.hasPrefix("holds no site in 'static_branch key=a") == true)
  }
}
