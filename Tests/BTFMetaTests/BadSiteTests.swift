// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys
import Testing

@Suite("Bad sites are refused, each with its own message")
struct BadSiteTests {
  private func refuse(
    _ object: AssemblyObject, _ code: StaticKeysError.Code, _ message: String, _ place: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let bytes = try Toolchain.assemble(object.source)
    expectFailure(code, message, place, location: location) {
      _ = try ObjectFile(bytes: bytes, name: "bad.o").sites()
    }
  }

  @Test func outsideAnyFunction() throws {
    try refuse(
      AssemblyObject(function: "exit", after: "r0 = 0\n__static_branch.u.0.k:\nif r0 != 0 goto 1"),
      .badSite, "site symbol __static_branch.u.0.k lies outside any function", "bad.o, section xdp, byte 0x10, key k")
  }

  @Test func outsideAnySection() throws {
    try refuse(
      AssemblyObject(function: "exit", after: ".set __static_branch.u.0.k, 8"),
      .badSite, "lies outside any function", "bad.o, byte 0x8, key k")
  }

  @Test func whereFunctionsShareTheirCode() throws {
    try refuse(
      AssemblyObject(after: ".type alias,@function\n.set alias, f + 8\n.size alias, 16"),
      .badSite, "lies where functions f and alias share their code", "section xdp, byte 0x8")
  }

  @Test func offTheSlots() throws {
    try refuse(
      AssemblyObject(function: "r0 = 0\n.byte 0x55, 0, 1, 0\n__static_branch.u.0.k:\n.byte 0, 0, 0, 0\nexit\nexit"),
      .badSite, "does not lie on an 8-byte instruction slot", "bad.o, section xdp, byte 0xc, function f, key k")
  }

  @Test func functionOfHalfInstructions() throws {
    try refuse(
      AssemblyObject(function: "r0 = 0\n__static_branch.u.0.k:\nif r0 != 0 goto 1\nexit\n.byte 0, 0, 0, 0"),
      .malformed, "the function is 28 bytes long, no multiple of 8", "function f")
  }

  @Test func inTheMiddleOfALongInstruction() throws {
    try refuse(
      AssemblyObject(
        function: ".byte 0x18, 1, 0, 0, 1, 0, 0, 0\n__static_branch.u.0.k:\n.byte 0, 0, 0, 0, 1, 0, 0, 0\nexit"),
      .badSite, "the branch lies in the second half of a 16-byte instruction", "function f, insn 1, key k")
  }

  @Test func onAnotherInstruction() throws {
    for instruction in ["if r1 != 0 goto out", "if r0 != 1 goto out", "if r0 > 0 goto out", "goto out", "r0 = 1"] {
      try refuse(
        AssemblyObject(function: "r0 = 0\n__static_branch.u.0.k:\n\(instruction)\nexit\nout:\nexit"),
        .badSite, #"the instruction is not "if r0 == 0 goto" or "if r0 != 0 goto""#, "function f, insn 1, key k")
    }
  }

  @Test func behindAnotherInstruction() throws {
    for instruction in ["r0 = 1", "r1 = 0", "w0 = 0", "r0 = r1", "r0 = 0 ll"] {
      try refuse(
        AssemblyObject(function: "\(instruction)\n__static_branch.u.0.k:\nif r0 != 0 goto out\nexit\nout:\nexit"),
        .badSite, #"the instruction before the branch is not "r0 = 0""#, "function f, insn")
    }
  }

  @Test func withoutAnythingBeforeIt() throws {
    try refuse(
      AssemblyObject(function: "__static_branch.u.0.k:\nif r0 != 0 goto out\nexit\nout:\nexit"),
      .badSite, #"the instruction before the branch is not "r0 = 0""#, "function f, insn 0, key k")
  }

  @Test func inAStateThatItsKeyDoesNotMean() throws {
    for (layout, branch, key, message) in [
      ("u", "==", "0", "starts as jump, but a key that defaults to false needs nop in an unlikely site"),
      ("u", "!=", "1", "starts as nop, but a key that defaults to true needs jump in an unlikely site"),
      ("l", "!=", "0", "starts as nop, but a key that defaults to false needs jump in a likely site"),
      ("l", "==", "1", "starts as jump, but a key that defaults to true needs nop in a likely site"),
    ] {
      try refuse(
        AssemblyObject(
          function: "r0 = 0\n__static_branch.\(layout).0.k:\nif r0 \(branch) 0 goto out\nexit\nout:\nexit",
          keyBytes: ".byte \(key)"),
        .badSite, message, "function f, insn 1, key k")
    }
  }

  @Test func withABackwardTarget() throws {
    try refuse(
      AssemblyObject(function: "back:\nr0 = 0\n__static_branch.u.0.k:\nif r0 != 0 goto back\nexit"),
      .badSite, "the branch goes 2 insns backward", "function f, insn 1, key k")
  }

  @Test func withATargetBeyond16Bits() throws {
    // This compiler wraps the offset around instead of refusing it.
    try refuse(
      AssemblyObject(function: "r0 = 0\n__static_branch.u.0.k:\nif r0 != 0 goto out\n.zero 8*40000\nout:\nexit"),
      .badSite, "at most 32767 insns away", "function f, insn 1, key k")
  }

  @Test func withATargetInAnotherFunction() throws {
    try refuse(
      AssemblyObject(
        function: "r0 = 0\n__static_branch.u.0.k:\nif r0 != 0 goto out\nexit", after: "out:\nexit"),
      .badSite, "the target, insn 3, lies outside the function of 3 insns", "function f, insn 1, key k")
  }

  @Test func withATargetInTheMiddleOfALongInstruction() throws {
    try refuse(
      AssemblyObject(
        function: "r0 = 0\n__static_branch.u.0.k:\n.byte 0x55, 0, 1, 0, 0, 0, 0, 0\nr1 = 0x100000001 ll\nexit"),
      .badSite, "the target, insn 3, is the second half of a 16-byte instruction", "function f, insn 1, key k")
  }

  @Test func ofAKeyThatIsNotDefined() throws {
    try refuse(
      AssemblyObject(key: "other"),
      .undefinedKey, "the key is not defined in this object; link it with the object that defines it",
      "bad.o, section xdp, byte 0x8, function f, insn 1, key k")
  }

  @Test(arguments: ["undefined", "share_b"])
  func ofAKeyThatIsOnlyDeclared(name: String) throws {
    for compiler in FixtureObject.compilers {
      let object = try ObjectFile(path: FixtureObject.path(name, compiler))
      expectFailure(.undefinedKey, "link it with the object that defines it") { _ = try object.sites() }
    }
  }

  @Test(arguments: ["x.0.k", "u.0", "u..k", "u.0.1k", "u.0.a.b", "u.-1.k", "U.0.k", "u.0."])
  func ofAnotherForm(name: String) throws {
    try refuse(
      AssemblyObject(
        function: "r0 = 0\n\"__static_branch.\(name)\":\nif r0 != 0 goto out\nexit\nout:\nexit"),
      .malformed, "site symbol __static_branch.\(name) is not of the form __static_branch.<u|l>.<n>.<key>",
      "function f")
  }

  @Test func twiceOnOneInstruction() throws {
    try refuse(
      AssemblyObject(
        function: "r0 = 0\n__static_branch.u.0.k:\n__static_branch.u.1.k:\nif r0 != 0 goto out\nexit\nout:\nexit"),
      .badSite, "the instruction has two site symbols, for keys k and k", "function f, insn 1")
  }
}
