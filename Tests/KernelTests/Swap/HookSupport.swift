// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

/// Hooks as other loaders use them: by BPF_PROG_ATTACH, or by a link of their own.
extension BPF {
  /// BPF_PROG_ATTACH.
  static func attach(_ program: borrowing OwnedFD, to target: Int32, _ type: UInt32, flags: UInt32 = 0) throws {
    let status = bpf_prog_attach(program.rawValue, target, bpf_attach_type(type), flags)
    guard status == 0 else { throw HarnessError("BPF_PROG_ATTACH, type \(type)", errno: -status) }
  }

  /// BPF_PROG_DETACH.
  static func detach(_ program: borrowing OwnedFD, from target: Int32, _ type: UInt32) throws {
    let status = bpf_prog_detach2(program.rawValue, target, bpf_attach_type(type))
    guard status == 0 else { throw HarnessError("BPF_PROG_DETACH, type \(type)", errno: -status) }
  }

  /// The ids of a hook's programs, in the order in which they run, and how the hook takes programs.
  static func attached(to target: Int32, _ type: UInt32) throws -> (programs: [UInt32], flags: UInt32) {
    var ids = [UInt32](repeating: 0, count: 64)
    var count = UInt32(ids.count)
    var flags: UInt32 = 0
    let status = bpf_prog_query(target, bpf_attach_type(type), 0, &flags, &ids, &count)
    guard status == 0 else { throw HarnessError("BPF_PROG_QUERY, type \(type)", errno: -status) }
    return (Array(ids.prefix(Int(count))), flags)
  }

  /// The id of the program on the XDP hook of an interface in this thread's network namespace; 0 if there is none.
  static func attachedXDP(to interface: Int32) throws -> UInt32 {
    var id: UInt32 = 0
    let status = bpf_xdp_query_id(interface, 0, &id)
    guard status == 0 else { throw HarnessError("bpf_xdp_query_id", errno: -status) }
    return id
  }

  /// BPF_LINK_CREATE.
  static func link(_ program: borrowing OwnedFD, to target: Int32, _ type: UInt32) throws -> OwnedFD {
    try OwnedFD(bpf_link_create(program.rawValue, target, bpf_attach_type(type), nil), "link, type \(type)")
  }

  /// The id of the program that a link runs.
  static func programID(of link: borrowing OwnedFD) throws -> UInt32 { try info(link, bpf_link_info()).prog_id }
}

extension Collection {
  /// A program of this collection, opened by its pin.
  func open(_ program: String) throws -> OwnedFD { try BPF.open(pin: pin("progs", program)) }

  /// Its id by its pin.
  func id(_ program: String) throws -> UInt32 { try BPF.programID(pin: pin("progs", program)) }
}

extension StaticKeysError? {
  /// Whether a flip found at `hook` what it does not replace: another program, or none.
  func saysChanged(_ hook: String) -> Bool {
    self?.code == .changedMeanwhile && self?.message.contains(hook) == true
  }
}
