// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A kind of BPF object that has ids to walk. Requires Linux 4.13, links 5.8; and CAP_SYS_ADMIN.
public enum ObjectKind: Sendable {
  case program, map, link
}

extension BPFSystem {
  /// All ids of a kind, ascending. The C functions are `bpf_prog_get_next_id` and its like.
  func ids(of kind: ObjectKind) throws(Errno) -> [UInt32] {
    var ids: [UInt32] = []
    var id: UInt32 = 0
    while true {
      let from = id
      var next: UInt32 = 0
      do {
        _ =
          switch kind {
          case .program: try call(.programNextID) { bpf_prog_get_next_id(from, &next) }
          case .map: try call(.mapNextID) { bpf_map_get_next_id(from, &next) }
          case .link: try call(.linkNextID) { bpf_link_get_next_id(from, &next) }
          }
      } catch .noSuchFileOrDirectory {
        return ids
      }
      id = next
      ids.append(id)
    }
  }

  /// A program, map or link by its id; nil if it is gone. The C functions are `bpf_prog_get_fd_by_id` and its like.
  ///
  /// A link is listed before it is settled, and answers EAGAIN until then. One that takes long is as one that will come:
  /// whoever makes it has not been told yet that it is there.
  func object(_ kind: ObjectKind, id: UInt32) throws(Errno) -> SharedFD? {
    for attempt in 1... {
      do throws(Errno) {
        return try open(kind == .program ? .programByID : kind == .map ? .mapByID : .linkByID) {
          switch kind {
          case .program: bpf_prog_get_fd_by_id(id)
          case .map: bpf_map_get_fd_by_id(id)
          case .link: bpf_link_get_fd_by_id(id)
          }
        }
      } catch .noSuchFileOrDirectory {
        return nil
      } catch .resourceTemporarilyUnavailable where kind == .link {
        guard attempt < Self.settlingAttempts else { return nil }
        usleep(1_000)
      }
    }
    return nil
  }

  /// How often a link is asked for, a millisecond apart.
  private static let settlingAttempts = 10

  /// Whether there is a map of this id, without opening it.
  func hasMap(id: UInt32) throws(Errno) -> Bool {
    var next: UInt32 = 0
    do {
      _ = try call(.mapNextID) { bpf_map_get_next_id(id - 1, &next) }
      return next == id
    } catch .noSuchFileOrDirectory {
      return false
    }
  }

  /// BTF by its id. The C function is `bpf_btf_get_fd_by_id`.
  func btf(id: UInt32) throws(Errno) -> SharedFD { try open(.btfByID) { bpf_btf_get_fd_by_id(id) } }

  /// What the kernel tells of a program, without the arrays it could fill. The C function is `bpf_obj_get_info_by_fd`.
  func rawInfo(ofProgram fd: SharedFD) throws(Errno) -> bpf_prog_info {
    var info = bpf_prog_info()
    try fd.withRaw { raw throws(Errno) in try fillInfo(.programInfo, raw, &info) }
    return info
  }

  /// What the kernel tells of a map.
  func rawInfo(ofMap fd: SharedFD) throws(Errno) -> bpf_map_info {
    try fd.withRaw { raw throws(Errno) in try rawInfo(ofMapDescriptor: raw) }
  }

  /// What the kernel tells of a map whose descriptor another library owns.
  func rawInfo(ofMapDescriptor fd: Int32) throws(Errno) -> bpf_map_info {
    var info = bpf_map_info()
    try fillInfo(.mapInfo, fd, &info)
    return info
  }

  /// What the kernel tells of a link. Requires Linux 5.8.
  func rawInfo(ofLink fd: SharedFD) throws(Errno) -> bpf_link_info {
    var info = bpf_link_info()
    try fd.withRaw { raw throws(Errno) in try fillInfo(.linkInfo, raw, &info) }
    return info
  }

  /// Fills an info structure, in which pointers and their counts may have been set before.
  private func fillInfo<Info>(_ which: Call, _ fd: Int32, _ info: inout Info) throws(Errno) {
    var length = UInt32(MemoryLayout<Info>.size)
    _ = try call(which) { withUnsafeMutablePointer(to: &info) { bpf_obj_get_info_by_fd(fd, $0, &length) } }
  }

  /// The ids of the maps a program holds. Requires Linux 4.15.
  func mapIDs(ofProgram fd: SharedFD) throws(Errno) -> [UInt32] {
    let count = try rawInfo(ofProgram: fd).nr_map_ids
    guard count > 0 else { return [] }
    var ids = [UInt32](repeating: 0, count: Int(count))
    var info = bpf_prog_info()
    info.nr_map_ids = count
    // A closure that throws a typed error cannot be given to withUnsafe… of Swift 6.2's library without erasing it.
    let result: Result<Void, Errno> = ids.withUnsafeMutableBytes { buffer in
      info.map_ids = UInt64(UInt(bitPattern: buffer.baseAddress))
      return Result { () throws(Errno) in
        try fd.withRaw { raw throws(Errno) in try fillInfo(.programInfo, raw, &info) }
      }
    }
    try result.get()
    return Array(ids.prefix(Int(info.nr_map_ids)))
  }
}

/// The text in a fixed C character array such as `bpf_prog_info.name`.
func text<T>(in field: T) -> String {
  withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
