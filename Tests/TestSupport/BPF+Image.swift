// SPDX-License-Identifier: Apache-2.0

import CLibBPF

extension BPF {
  /// A function of a program as machine code.
  public struct MachineFunction: Sendable {
    /// Where it is in the kernel.
    public let address: UInt64
    /// Its instructions.
    public var bytes: [UInt8]
  }

  /// The machine code of a program, function by function. Needs JITed code and kernel addresses to be visible.
  public static func machineCode(of program: borrowing OwnedFD) throws -> [MachineFunction] {
    let sizes = try info(program, bpf_prog_info())
    var code = [UInt8](repeating: 0, count: Int(sizes.jited_prog_len))
    var addresses = [UInt64](repeating: 0, count: Int(sizes.nr_jited_ksyms))
    var lengths = [UInt32](repeating: 0, count: Int(sizes.nr_jited_func_lens))
    try code.withUnsafeMutableBytes { code in
      try addresses.withUnsafeMutableBytes { addresses in
        try lengths.withUnsafeMutableBytes { lengths in
          var request = bpf_prog_info()
          request.jited_prog_len = UInt32(code.count)
          request.jited_prog_insns = UInt64(UInt(bitPattern: code.baseAddress))
          request.nr_jited_ksyms = sizes.nr_jited_ksyms
          request.jited_ksyms = UInt64(UInt(bitPattern: addresses.baseAddress))
          request.nr_jited_func_lens = sizes.nr_jited_func_lens
          request.jited_func_lens = UInt64(UInt(bitPattern: lengths.baseAddress))
          _ = try info(program, request)
        }
      }
    }
    guard !code.isEmpty, addresses.allSatisfy({ $0 != 0 }), lengths.reduce(0, +) == code.count,
      lengths.count == addresses.count
    else { throw HarnessError("the program's machine code is not visible") }
    var start = 0
    return zip(addresses, lengths).map { address, length in
      defer { start += Int(length) }
      return MachineFunction(address: address, bytes: Array(code[start..<start + Int(length)]))
    }
  }
}
