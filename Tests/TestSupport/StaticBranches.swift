// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc

/// The proposed kernel interface of kernel-patches, by raw system calls: so as not to believe the code under test.
public struct StaticBranches: Sendable {
  /// The number of `BPF_STATIC_BRANCH_UPDATE` in this kernel.
  public let command: Int32
  /// The bytes of the kernel's `struct bpf_prog_info`, and where in it `nr_static_branches`, `static_branch_rec_size` and
  /// `static_branches` are.
  private let info: (size: Int, count: Int, recordSize: Int, array: Int)

  /// That of the running kernel, by its BTF; nil where it has none.
  public static let current = StaticBranches()

  private init?() {
    guard let btf = btf__load_vmlinux_btf() else { return nil }
    defer { btf__free(btf) }
    func type(_ name: String, _ kind: Int) -> UnsafePointer<btf_type>? {
      let id = btf__find_by_name_kind(btf, name, UInt32(kind))
      return id > 0 ? btf__type_by_id(btf, UInt32(id)) : nil
    }
    func name(_ offset: UInt32) -> String { btf__name_by_offset(btf, offset).map { String(cString: $0) } ?? "" }
    func members<Member>(_ type: UnsafePointer<btf_type>, as _: Member.Type) -> [Member] {
      let count = Int(type.pointee.info & 0xffff)
      return UnsafeRawPointer(type + 1).withMemoryRebound(to: Member.self, capacity: count) {
        Array(UnsafeBufferPointer(start: $0, count: count))
      }
    }
    guard let commands = type("bpf_cmd", BTF_KIND_ENUM), let structure = type("bpf_prog_info", BTF_KIND_STRUCT),
      let command = members(commands, as: btf_enum.self).first(where: {
        name($0.name_off) == "BPF_STATIC_BRANCH_UPDATE"
      })
    else { return nil }
    let fields = members(structure, as: btf_member.self)
    func byte(of field: String) -> Int? {
      fields.first { name($0.name_off) == field }.map { Int($0.offset & 0xffffff) / 8 }
    }
    guard let count = byte(of: "nr_static_branches"), let recordSize = byte(of: "static_branch_rec_size"),
      let array = byte(of: "static_branches")
    else { return nil }
    self.command = command.val
    info = (Int(structure.pointee.size), count, recordSize, array)
  }

  /// The static branches of a program as they are now.
  public func sites(of program: borrowing OwnedFD) throws -> [sk_static_branch_info] {
    var request = [UInt8](repeating: 0, count: info.size)
    let count = Int(try ask(program, &request))
    var sites = [sk_static_branch_info](repeating: sk_static_branch_info(), count: count)
    try sites.withUnsafeMutableBytes { room in
      request = [UInt8](repeating: 0, count: info.size)
      request.withUnsafeMutableBytes {
        $0.storeBytes(of: UInt32(count), toByteOffset: info.count, as: UInt32.self)
        $0.storeBytes(
          of: UInt32(MemoryLayout<sk_static_branch_info>.size), toByteOffset: info.recordSize, as: UInt32.self)
        $0.storeBytes(of: UInt64(UInt(bitPattern: room.baseAddress)), toByteOffset: info.array, as: UInt64.self)
      }
      _ = try ask(program, &request)
    }
    return sites
  }

  private func ask(_ program: borrowing OwnedFD, _ request: inout [UInt8]) throws -> UInt32 {
    var length = UInt32(request.count)
    let status = request.withUnsafeMutableBytes { bpf_obj_get_info_by_fd(program.rawValue, $0.baseAddress, &length) }
    guard status == 0 else { throw HarnessError("bpf_obj_get_info_by_fd", errno: -status) }
    return request.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: info.count, as: UInt32.self) }
  }

  /// The command as it is given, with `tail` behind its attributes; returns its errno, 0 if it succeeded.
  public func update(_ attributes: inout sk_static_branch_attr, tail: [UInt8] = []) -> Int32 {
    var bytes = withUnsafeBytes(of: attributes) { Array($0) } + tail
    let status = bytes.withUnsafeMutableBytes { sk_bpf(command, $0.baseAddress, UInt32($0.count)) }
    let failure = status < 0 ? errno : 0
    attributes = bytes.withUnsafeBytes { $0.loadUnaligned(as: sk_static_branch_attr.self) }
    return failure
  }

  /// Makes these changes; returns errno, 0 if it succeeded, and the index of the change that is to blame, if one is,
  /// else their number.
  public func update(
    _ program: borrowing OwnedFD, _ changes: [sk_static_branch]
  ) -> (errno: Int32, failed: UInt32) {
    var attributes = sk_static_branch_attr()
    attributes.prog_fd = UInt32(bitPattern: program.rawValue)
    attributes.count = UInt32(changes.count)
    attributes.failed = attributes.count
    let failure = changes.withUnsafeBytes { entries in
      attributes.branches = UInt64(UInt(bitPattern: entries.baseAddress))
      return update(&attributes)
    }
    return (failure, attributes.failed)
  }

  /// Turns every branch of a program the other way; returns errno.
  public func invert(_ program: borrowing OwnedFD) throws -> Int32 {
    let changes = try sites(of: program).map {
      sk_static_branch(
        insn_off: $0.insn_off, expected_off: $0.current_off, new_off: $0.current_off == 0 ? $0.target_off : 0)
    }
    return update(program, changes).errno
  }
}
