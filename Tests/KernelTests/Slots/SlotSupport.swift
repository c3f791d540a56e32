// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Glibc
import Patcher
import Synchronization
import TestSupport
import Testing

/// Makes the numbered events that tests/fixtures/events.h counts, on a thread of its own.
final class Events: Sendable {
  private static let first: pid_t = 0x5b00_0000

  /// How many there will be.
  let count: Int
  private let made = Atomic<Int>(0)

  /// Starts to make them, a few at a time, so that some twenty flips that take so long fit in between.
  init(count: Int, flip: Duration) {
    self.count = count
    let pause = max(500, UInt32(flip * 20 / (count / 64) / .microseconds(1)))
    Thread.detachNewThread { [self] in
      for number in 0..<count {
        _ = getpgid(Self.first + pid_t(number))
        made.add(1, ordering: .releasing)
        if number % 64 == 63 { usleep(pause) }
      }
    }
  }

  /// Whether all have been made.
  var areOver: Bool { made.load(ordering: .acquiring) == count }
}

extension Collection {
  /// The collections of this process that are there now.
  static func ownNames() -> [String] { CollectionStore().names().filter { $0.hasPrefix("t\(getpid())_") } }

  /// The events counted by the arm with the key off and by that with it on.
  func arms() throws -> (off: UInt64, on: UInt64) {
    let arms = try BPF.open(pin: pin("maps", "arms"))
    return (try BPF.u64(arms, at: 0), try BPF.u64(arms, at: 1))
  }

  /// How many of the numbered events were counted how many times.
  func times(of events: Events) throws -> [UInt32: Int] {
    let seen = try BPF.open(pin: pin("maps", "seen"))
    var times: [UInt32: Int] = [:]
    for number in 0..<events.count { times[try BPF.u32(seen, at: UInt32(number)), default: 0] += 1 }
    return times
  }

  /// Has events without a number counted that are of this process.
  func countOwnEvents() throws {
    let wanted = try BPF.open(pin: pin("maps", "wanted"))
    var zero: UInt32 = 0
    var pid = UInt32(getpid())
    guard bpf_map_update_elem(wanted.rawValue, &zero, &pid, 0) == 0 else { throw HarnessError("wanted", errno: errno) }
  }

  /// Empties the slot of a program.
  func emptySlot(_ program: String) throws {
    let array = try BPF.open(pin: pin("slots", program))
    var zero: UInt32 = 0
    guard bpf_map_delete_elem(array.rawValue, &zero) == 0 else { throw HarnessError("slot", errno: errno) }
  }
}

extension Trait where Self == ConditionTrait {
  /// The test needs a kind of probe that this kernel may be built without.
  static func requires(probe kind: String) -> Self {
    .enabled(
      if: access("/sys/bus/event_source/devices/\(kind)/type", R_OK) == 0,
      "not possible here: this kernel is built without \(kind)s")
  }

  /// The test needs programs at a kernel function's entry, which some kernels refuse to root itself.
  static var requiresTrampolines: Self {
    .enabled(if: Trampolines.areThere, "not possible here: this kernel refuses fentry programs")
  }
}

private enum Trampolines {
  /// A kernel without them answers EPERM, EINVAL or ENOTSUPP; only a refusal of the simplest program of all counts.
  static let areThere: Bool = {
    guard let btf = btf__load_vmlinux_btf() else { return false }
    defer { btf__free(btf) }
    let id = btf__find_by_name_kind(btf, "__x64_sys_getpgid", 12 /* BTF_KIND_FUNC */)
    guard id > 0 else { return false }
    let instructions = [
      bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
    ]
    var options = bpf_prog_load_opts()
    options.sz = MemoryLayout<bpf_prog_load_opts>.size
    options.expected_attach_type = BPF_TRACE_FENTRY
    options.attach_btf_id = UInt32(id)
    let fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "sk_fentry", "GPL", instructions, instructions.count, &options)
    if fd >= 0 { close(fd) }
    return fd >= 0
  }()
}
