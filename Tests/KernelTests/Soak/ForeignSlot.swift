// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import TestSupport

/// A program of no keyctl's on a device's XDP hook, which tail-calls what is in its program array.
final class ForeignSlot {
  private let arrayID: UInt32
  private var fds: [Int32] = []

  /// Puts a pinned program into the array's only slot.
  init(for pin: String, on device: String, in namespace: NetNS) throws {
    let array = try OwnedFD(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "skey_test", 4, 4, 1, nil), "program array")
    arrayID = try BPF.info(array, bpf_map_info()).id
    let program = try BPF.open(pin: pin)
    var zero: UInt32 = 0
    var value = program.rawValue
    guard bpf_map_update_elem(array.rawValue, &zero, &value, 0) == 0 else { throw HarnessError("slot", errno: errno) }
    let instructions = [
      // r2 = the array; r3 = 0; tail call
      bpf_insn(code: 0x18, dst_reg: 2, src_reg: 1, off: 0, imm: array.rawValue),
      bpf_insn(code: 0, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      bpf_insn(code: 0xb7, dst_reg: 3, src_reg: 0, off: 0, imm: 0),
      bpf_insn(code: 0x85, dst_reg: 0, src_reg: 0, off: 0, imm: 12),
      // Where the slot is empty: r0 = XDP_PASS; exit
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 2),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
    var options = bpf_prog_load_opts()
    options.sz = MemoryLayout<bpf_prog_load_opts>.size
    // Programs of one array must have it in common.
    options.expected_attach_type = BPF_XDP
    let root = try OwnedFD(
      bpf_prog_load(BPF_PROG_TYPE_XDP, "sk_foreign", "GPL", instructions, instructions.count, &options), "load")
    let index = Int32(try namespace.index(of: device))
    let rootFD = root.rawValue
    let link = try namespace.onThread {
      try OwnedFD(bpf_link_create(rootFD, index, BPF_XDP, nil), "XDP link").release()
    }
    fds = [link, root.release(), array.release()]
  }

  deinit { closeAll() }

  private func closeAll() {
    for fd in fds { close(fd) }
    fds = []
  }

  /// Lets all go and waits for the end: nobody may look at the array between its last close and its clearing, see
  /// `ArraySlots`.
  func end() throws {
    closeAll()
    let id = arrayID
    guard eventually(within: .seconds(5), { (try? BPF.ids(of: .map))?.contains(id) == false }) else {
      throw HarnessError("the program array \(id) stays")
    }
  }
}
