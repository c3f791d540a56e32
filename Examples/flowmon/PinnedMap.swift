// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys
import SystemPackage

/// A map that is pinned in bpffs, open as long as this lives.
struct PinnedMap: ~Copyable {
  let path: String
  let fd: Int32
  let info: bpf_map_info

  init(path: String) throws(StaticKeysError) {
    let fd = bpf_obj_get(path)
    guard fd >= 0 else {
      let code: StaticKeysError.Code = fd == -ENOENT ? .notFound : fd == -EPERM ? .permission : .kernel
      throw StaticKeysError(
        code, "cannot open the pinned map: \(Errno(rawValue: -fd))", at: Place(file: path), errno: -fd,
        advice: "load flowmon with keyctl first")
    }
    var info = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    let error = bpf_obj_get_info_by_fd(fd, &info, &size)
    guard error == 0 else {
      close(fd)
      throw StaticKeysError(.kernel, "no map: \(Errno(rawValue: -error))", at: Place(file: path), errno: -error)
    }
    self.path = path
    self.fd = fd
    self.info = info
  }

  deinit { close(fd) }

  /// The BTF of a running program that uses this map; a ring buffer has none of its own.
  func btfOfUser() throws(StaticKeysError) -> UInt32 {
    var id: UInt32 = 0
    while bpf_prog_get_next_id(id, &id) == 0 {
      let program = bpf_prog_get_fd_by_id(id)
      // The program may have gone since the kernel named it.
      guard program >= 0 else { continue }
      defer { close(program) }
      if let btf = btfID(ofProgram: program) { return btf }
    }
    throw StaticKeysError(.notFound, "no running program uses the map", at: Place(file: path))
  }

  private func btfID(ofProgram fd: Int32) -> UInt32? {
    var ids = [UInt32](repeating: 0, count: 64)
    let id = info.id
    return ids.withUnsafeMutableBufferPointer { buffer in
      var program = bpf_prog_info()
      var size = UInt32(MemoryLayout<bpf_prog_info>.size)
      program.map_ids = UInt64(UInt(bitPattern: buffer.baseAddress))
      program.nr_map_ids = UInt32(buffer.count)
      guard bpf_obj_get_info_by_fd(fd, &program, &size) == 0, program.btf_id != 0 else { return nil }
      return buffer.prefix(Int(program.nr_map_ids)).contains(id) ? program.btf_id : nil
    }
  }

  /// Calls `body` with every entry's key and value.
  func forEach(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
    var key = [UInt8](repeating: 0, count: Int(info.key_size))
    var value = [UInt8](repeating: 0, count: Int(info.value_size))
    var next = key
    var error = bpf_map_get_next_key(fd, nil, &next)
    while error == 0 {
      key = next
      // An entry may be deleted between the two calls.
      if bpf_map_lookup_elem(fd, key, &value) == 0 { try body(key, value) }
      error = bpf_map_get_next_key(fd, key, &next)
    }
    guard error == -ENOENT else {
      throw StaticKeysError(
        .kernel, "cannot read the map: \(Errno(rawValue: -error))", at: Place(file: path), errno: -error)
    }
  }
}
