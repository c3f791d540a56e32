// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

/// The small program that hangs on a hook in another one's place and tail-calls it through entry 0 of a program array.
///
/// It keeps the program's contract: type, attach type and target, flags, licence, and what the kernel gives to a program
/// because of what it calls.
struct SlotRoot {
  /// The kernel's name for every root.
  static let name = "skey_root"

  private let program: ProgramTemplate
  private let emptyResult: Int32

  /// - Throws: `.unsupported` for a type of which it is not known what an empty slot must return.
  init(for program: ProgramTemplate) throws(StaticKeysError) {
    guard let result = Self.emptyResult(type: program.type) else {
      throw StaticKeysError(
        .unsupported, "keyctl does not know what a program of type \(program.type) returns to change nothing",
        at: Place(program: program.name), advice: "attach it with --via link")
    }
    self.program = program
    emptyResult = result
  }

  /// What the root returns while nothing is in the slot: what lets everything go on as without a program.
  static func emptyResult(type: UInt32) -> Int32? {
    switch bpf_prog_type(type) {
    case BPF_PROG_TYPE_XDP: Int32(XDP_PASS.rawValue)
    // TC_ACT_UNSPEC, TCX_NEXT and NETKIT_NEXT are the same.
    case BPF_PROG_TYPE_SCHED_CLS: -1
    // One means "allow", or "pass".
    case BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_DEVICE,
      BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SOCKOPT,
      BPF_PROG_TYPE_SOCK_OPS, BPF_PROG_TYPE_SK_LOOKUP, BPF_PROG_TYPE_SK_SKB, BPF_PROG_TYPE_SK_MSG:
      1
    case BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT, BPF_PROG_TYPE_RAW_TRACEPOINT,
      BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_LSM, BPF_PROG_TYPE_FLOW_DISSECTOR:
      0
    default: nil
    }
  }

  /// What BPF_PROG_LOAD takes besides the instructions.
  var template: ProgramTemplate {
    var root = program
    root.name = Self.name
    root.functionInfo = .init(size: 0, bytes: [])
    root.lineInfo = .init(size: 0, bytes: [])
    root.sites = []
    return root
  }

  /// The root's instructions.
  ///
  /// - Parameters:
  ///   - array: the program array's descriptor.
  ///   - storage: descriptors of the program's cgroup storage. The kernel prepares storage for the program that is
  ///     attached, and lets a program array mix only programs of the same: the root has to name it.
  func instructions(array: Int32, storage: [Int32]) -> [Instruction] {
    typealias Code = Instruction.Opcode
    func load(map: Int32, into register: UInt8) -> [Instruction] {
      [
        Instruction(opcode: Code.loadImm64, dst: register, src: Instruction.Pseudo.mapFD, imm: map),
        Instruction(opcode: 0),
      ]
    }
    var code = storage.flatMap { load(map: $0, into: 2) }
    if program.asksForFunctionAddress {
      // A trampoline stores the traced function's address only if the program that is attached asks for it.
      code += [
        Instruction(opcode: Self.moveRegister, dst: 6, src: 1),
        Instruction(opcode: Code.call, imm: Int32(BPF_FUNC_get_func_ip.rawValue)),
        Instruction(opcode: Self.moveRegister, dst: 1, src: 6),
      ]
    }
    code += load(map: array, into: 2)
    return code + [
      Instruction(opcode: Code.move64Immediate, dst: 3, imm: 0),
      Instruction(opcode: Code.call, imm: Int32(BPF_FUNC_tail_call.rawValue)),
      Instruction(opcode: Code.move64Immediate, dst: 0, imm: emptyResult),
      Instruction(opcode: Code.exit),
    ]
  }

  /// `BPF_ALU64 | BPF_MOV | BPF_X`.
  private static let moveRegister: UInt8 = 0xbf
}

extension ProgramTemplate {
  /// Whether the program calls a helper function of the kernel's.
  func calls(_ helper: bpf_func_id) -> Bool {
    instructions.contains {
      $0.opcode == Instruction.Opcode.call && $0.src == 0 && $0.imm == Int32(helper.rawValue)
    }
  }

  /// Whether it wants from a trampoline what that stores for programs that ask for it alone.
  var asksForFunctionAddress: Bool { type == BPF_PROG_TYPE_TRACING.rawValue && calls(BPF_FUNC_get_func_ip) }
}
