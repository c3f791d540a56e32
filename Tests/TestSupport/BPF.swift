// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc

/// What the tests ask the kernel by themselves, so as not to believe the code under test.
public enum BPF {
  /// The ids of all objects of a kind, in ascending order. Needs root.
  public static func ids(of kind: KernelCensus.Kind) throws -> [UInt32] {
    var ids: [UInt32] = []
    var id: UInt32 = 0
    while true {
      let status =
        switch kind {
        case .program: bpf_prog_get_next_id(id, &id)
        case .map: bpf_map_get_next_id(id, &id)
        case .link: bpf_link_get_next_id(id, &id)
        case .btf: bpf_btf_get_next_id(id, &id)
        case .fd: -EINVAL
        }
      if status == -ENOENT { return ids }
      guard status == 0 else { throw HarnessError("listing BPF objects of kind \(kind.rawValue)", errno: -status) }
      ids.append(id)
    }
  }

  /// The object with this id, opened.
  public static func open(_ kind: KernelCensus.Kind, id: UInt32) throws -> OwnedFD {
    let fd =
      switch kind {
      case .program: bpf_prog_get_fd_by_id(id)
      case .map: bpf_map_get_fd_by_id(id)
      case .link: bpf_link_get_fd_by_id(id)
      case .btf: bpf_btf_get_fd_by_id(id)
      case .fd: -EINVAL
      }
    return try OwnedFD(fd, "\(kind.rawValue) \(id)")
  }

  /// The object that is pinned at this path, opened.
  public static func open(pin path: String) throws -> OwnedFD { try OwnedFD(bpf_obj_get(path), path) }

  /// The name of the object with this id, empty if it has none; nil if there is no such object.
  public static func name(of kind: KernelCensus.Kind, id: UInt32) -> String? {
    guard let fd = try? open(kind, id: id) else { return nil }
    switch kind {
    case .program: return (try? info(fd, bpf_prog_info())).map { text($0.name) }
    case .map: return (try? info(fd, bpf_map_info())).map { text($0.name) }
    case .link: return (try? info(fd, bpf_link_info())).map { "of program \($0.prog_id)" }
    case .btf: return ""
    case .fd: return nil
    }
  }

  /// The kernel's description of an object; `empty` says what it is.
  public static func info<Info>(_ object: borrowing OwnedFD, _ empty: Info) throws -> Info {
    var info = empty
    var size = UInt32(MemoryLayout<Info>.size)
    let status = withUnsafeMutablePointer(to: &info) { bpf_obj_get_info_by_fd(object.rawValue, $0, &size) }
    guard status == 0 else { throw HarnessError("bpf_obj_get_info_by_fd", errno: -status) }
    return info
  }

  /// The ids of all programs of this name (the kernel keeps 15 characters), in ascending order.
  public static func programs(named name: String) throws -> [UInt32] {
    let short = String(name.prefix(15))
    return try ids(of: .program).filter { self.name(of: .program, id: $0) == short }
  }

  /// The id of the program pinned at this path.
  public static func programID(pin path: String) throws -> UInt32 { try info(open(pin: path), bpf_prog_info()).id }

  /// The id of the map pinned at this path.
  public static func mapID(pin path: String) throws -> UInt32 { try info(open(pin: path), bpf_map_info()).id }

  /// The id of the program that the link pinned at this path runs.
  public static func linkedProgramID(pin path: String) throws -> UInt32 {
    try info(open(pin: path), bpf_link_info()).prog_id
  }

  /// The ids of the maps that a program uses or that are bound to it.
  public static func mapIDs(of program: borrowing OwnedFD) throws -> [UInt32] {
    let count = Int(try info(program, bpf_prog_info()).nr_map_ids)
    var ids = [UInt32](repeating: 0, count: count)
    let found = try ids.withUnsafeMutableBufferPointer { buffer in
      var request = bpf_prog_info()
      request.nr_map_ids = UInt32(count)
      request.map_ids = UInt64(UInt(bitPattern: buffer.baseAddress))
      return Int(try info(program, request).nr_map_ids)
    }
    return Array(ids.prefix(found))
  }

  static func text(_ name: some Any) -> String {
    withUnsafeBytes(of: name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
