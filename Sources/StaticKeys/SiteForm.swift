// SPDX-License-Identifier: Apache-2.0

/// How the sites of a loaded program are written in its instructions.
public enum SiteForm: UInt8, Hashable, Sendable {
  /// `r0 = 0` and a condition on it, which any kernel takes; to change it takes another program.
  case pair = 0
  /// The static branch instruction of the proposed kernel interface, which the kernel can change in place.
  case native = 1
}

extension BranchState {
  /// `src_reg` of the static branch instruction `BPF_JMP | BPF_JA` that is loaded in this state.
  var nativeSource: UInt8 {
    switch self {
    case .jump: Instruction.Pseudo.gotoOrNop
    case .nop: Instruction.Pseudo.nopOrGoto
    }
  }
}
