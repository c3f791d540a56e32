// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// What a kernel with the proposed interface calls its parts, found by name in its own BTF.
///
/// A number that is free in one kernel is another command in the next: nothing is guessed.
struct StaticBranchInterface: Sendable {
  /// `BPF_STATIC_BRANCH_UPDATE` of `enum bpf_cmd`.
  let command: Int32
  /// The size of the kernel's `struct bpf_prog_info`.
  let infoSize: Int
  /// The byte of its member `nr_static_branches`, 32 bits.
  let countOffset: Int
  /// The byte of its member `static_branch_rec_size`, 32 bits.
  let recordSizeOffset: Int
  /// The byte of its member `static_branches`, a 64-bit pointer.
  let arrayOffset: Int

  /// The running kernel's interface; nil where it lacks any part of it, or has no BTF. Looked up once: reading all of a
  /// kernel's BTF takes milliseconds.
  static let current: StaticBranchInterface? = {
    guard let btf = try? KernelBTF() else { return nil }
    return StaticBranchInterface(btf)
  }()

  /// The interface that a kernel's BTF describes; nil where it lacks any part, or has records of another size under the
  /// same names.
  init?(_ btf: borrowing KernelBTF) {
    guard let command = btf.enumerator("BPF_STATIC_BRANCH_UPDATE", of: "bpf_cmd").flatMap({ Int32(exactly: $0) }),
      btf.structure("bpf_static_branch")?.size == MemoryLayout<sk_static_branch>.size,
      btf.structure("bpf_static_branch_info")?.size == MemoryLayout<sk_static_branch_info>.size,
      let info = btf.structure("bpf_prog_info"), let count = info.members["nr_static_branches"],
      let recordSize = info.members["static_branch_rec_size"], let array = info.members["static_branches"],
      count + 4 <= info.size, recordSize + 4 <= info.size, array + 8 <= info.size
    else { return nil }
    self.command = command
    infoSize = info.size
    countOffset = count
    recordSizeOffset = recordSize
    arrayOffset = array
  }
}

extension BPFSystem {
  /// What went wrong with a batch of changes: the errno, and which of them the kernel refused, if it was one of them.
  struct BranchFailure: Error {
    let errno: Errno
    let index: Int?
  }

  /// Changes sites of a running program, all or none: the proposed `BPF_STATIC_BRANCH_UPDATE`.
  func updateBranches(
    _ changes: [ProgramPlan.SiteChange], of program: SharedFD, through interface: StaticBranchInterface
  ) throws(BranchFailure) {
    let entries = changes.map {
      sk_static_branch(insn_off: $0.site.insn.rawValue, expected_off: $0.expectedOff, new_off: $0.newOff)
    }
    var attr = sk_static_branch_attr()
    attr.count = UInt32(truncatingIfNeeded: entries.count)
    // The kernel writes it only where a change is to blame.
    attr.failed = attr.count
    do throws(Errno) {
      _ = try libcCall(.staticBranchUpdate) {
        program.withRaw { fd in
          attr.prog_fd = UInt32(bitPattern: fd)
          return entries.withUnsafeBytes { bytes in
            attr.branches = UInt64(UInt(bitPattern: bytes.baseAddress))
            return sk_bpf(interface.command, &attr, UInt32(MemoryLayout<sk_static_branch_attr>.size))
          }
        }
      }
    } catch {
      throw BranchFailure(errno: error, index: attr.failed < attr.count ? Int(attr.failed) : nil)
    }
  }

  /// The sites of a running program as the kernel has them now.
  func branches(
    of program: SharedFD, through interface: StaticBranchInterface
  ) throws(Errno) -> [sk_static_branch_info] {
    let count = try branchInfo(of: program, interface, into: nil)
    guard count > 0 else { return [] }
    var records = [sk_static_branch_info](repeating: sk_static_branch_info(), count: count)
    let result: Result<Int, Errno> = records.withUnsafeMutableBytes { buffer in
      Result { () throws(Errno) in try branchInfo(of: program, interface, into: buffer) }
    }
    return Array(records.prefix(try result.get()))
  }

  /// Asks for the program's info with room for sites; returns how many it has.
  private func branchInfo(
    of program: SharedFD, _ interface: StaticBranchInterface, into records: UnsafeMutableRawBufferPointer?
  ) throws(Errno) -> Int {
    var info = [UInt8](repeating: 0, count: interface.infoSize)
    var length = UInt32(info.count)
    if let records {
      let recordSize = UInt32(MemoryLayout<sk_static_branch_info>.size)
      let room = UInt32(records.count) / recordSize
      let address = UInt64(UInt(bitPattern: records.baseAddress))
      info.withUnsafeMutableBytes {
        $0.storeBytes(of: room, toByteOffset: interface.countOffset, as: UInt32.self)
        $0.storeBytes(of: recordSize, toByteOffset: interface.recordSizeOffset, as: UInt32.self)
        $0.storeBytes(of: address, toByteOffset: interface.arrayOffset, as: UInt64.self)
      }
    }
    _ = try call(.programInfo) {
      program.withRaw { fd in info.withUnsafeMutableBytes { bpf_obj_get_info_by_fd(fd, $0.baseAddress, &length) } }
    }
    return info.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: interface.countOffset, as: UInt32.self)) }
  }
}
