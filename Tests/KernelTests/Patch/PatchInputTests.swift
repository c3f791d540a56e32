// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys
import TestSupport
import Testing

extension KernelTests.Patch {
  /// A wrong use of the command, and what the kernel answers. The series' selftest has more of them.
  struct WrongInput: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let errno: Int32
    /// Makes the good request for branch 0 of two a wrong one.
    let spoil: @Sendable (inout Request) -> Void

    init(_ what: String, _ errno: Int32, _ spoil: @escaping @Sendable (inout Request) -> Void) {
      testDescription = what
      self.errno = errno
      self.spoil = spoil
    }
  }

  /// What the command is given.
  struct Request {
    var attributes = sk_static_branch_attr()
    var changes: [sk_static_branch]
    var tail: [UInt8] = []
    /// Where the kernel is to look for the changes, if not where they are.
    var address: UInt64?
  }

  static let wrongInputs = [
    WrongInput("no descriptor", EBADF) { $0.attributes.prog_fd = 100_000 },
    WrongInput("a descriptor of something else", EINVAL) { $0.attributes.prog_fd = 0 },
    WrongInput("beyond the program", ERANGE) { $0.changes[1].insn_off = 1_000 },
    WrongInput("beyond any program", ERANGE) { $0.changes[1].insn_off = .max },
    WrongInput("no branch there", ENOENT) { $0.changes[1].insn_off = 0 },
    WrongInput("another state than expected", EBUSY) { $0.changes[1].expected_off ^= $0.changes[1].new_off },
    WrongInput("neither a nop nor the target", EINVAL) { $0.changes[1].new_off += 1 },
    WrongInput("a negative target", EINVAL) { $0.changes[1].new_off = -1 },
    WrongInput("a branch twice", EINVAL) { $0.changes[1] = $0.changes[0] },
    WrongInput("no changes", EINVAL) { $0.attributes.count = 0 },
    WrongInput("more changes than any program has branches", E2BIG) { $0.attributes.count = 4_097 },
    WrongInput("flags", EINVAL) { $0.attributes.flags = 1 },
    WrongInput("something behind the attributes", EINVAL) { $0.tail = [0, 0, 0, 0, 1, 0, 0, 0] },
    WrongInput("changes that cannot be read", EFAULT) { $0.address = 8 },
  ]

  @Test("wrong input is refused with its errno, and nothing changes", arguments: wrongInputs)
  func wrongInput(_ input: WrongInput) throws {
    let kernel = try #require(StaticBranches.current)
    let multi = try Collection("multi", engine: .patch)
    let program = try BPF.open(pin: multi.pin("progs", "multi_xdp"))
    let before = try kernel.sites(of: program)
    try #require(before.count == 2 && before.allSatisfy { $0.current_off == 0 })
    var request = Request(
      changes: before.map { sk_static_branch(insn_off: $0.insn_off, expected_off: 0, new_off: $0.target_off) })
    request.attributes.prog_fd = UInt32(bitPattern: program.rawValue)
    request.attributes.count = 2
    input.spoil(&request)
    let answer = request.changes.withUnsafeBytes { changes in
      request.attributes.branches = request.address ?? UInt64(UInt(bitPattern: changes.baseAddress))
      return kernel.update(&request.attributes, tail: request.tail)
    }
    #expect(answer == input.errno)
    #expect(try kernel.sites(of: program).map(\.current_off) == [0, 0])
    #expect(try multi.run("multi_xdp") == 2)
    // The good request is taken.
    #expect(try kernel.invert(program) == 0)
    #expect(try multi.run("multi_xdp") == 1)
  }

  @Test("without CAP_BPF a descriptor does not suffice")
  func unprivileged() throws {
    let kernel = try #require(StaticBranches.current)
    let multi = try Collection("multi", engine: .patch)
    let pin = multi.pin("progs", "multi_xdp")
    let answer = try withoutCapabilities { restrict in
      let program = try BPF.open(pin: pin)
      let changes = try kernel.sites(of: program).map {
        sk_static_branch(insn_off: $0.insn_off, expected_off: 0, new_off: $0.target_off)
      }
      try restrict()
      return kernel.update(program, changes).errno
    }
    #expect(answer == EPERM)
    #expect(try multi.run("multi_xdp") == 2)
  }
}
