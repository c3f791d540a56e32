// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

extension BPFSystem {
  /// A new array map of one entry that holds `value` and can never change again.
  ///
  /// Requires Linux 5.2 (`bpf_map_freeze`). The kernel's longest value is about 4 MiB: more is `E2BIG`.
  func createFrozenMap(name: String, value: [UInt8]) throws(Errno) -> SharedFD {
    var opts = bpf_map_create_opts()
    opts.sz = MemoryLayout<bpf_map_create_opts>.size
    opts.map_flags = UInt32(BPF_F_RDONLY_PROG)
    let fd = try open(.mapCreate) {
      bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, UInt32(clamping: value.count), 1, &opts)
    }
    var key: UInt32 = 0
    try fd.withRaw { raw throws(Errno) in
      _ = try call(.mapUpdate) { value.withUnsafeBytes { bpf_map_update_elem(raw, &key, $0.baseAddress, 0) } }
      _ = try call(.mapFreeze) { bpf_map_freeze(raw) }
    }
    return fd
  }

  /// The value of `size` bytes at index 0 of an array map. The C function is `bpf_map_lookup_elem`.
  func firstValue(ofMap fd: SharedFD, size: Int) throws(Errno) -> [UInt8] {
    var key: UInt32 = 0
    // The kernel rounds a value up to 8 bytes.
    var value = [UInt8](repeating: 0, count: (size + 7) & ~7)
    _ = try call(.mapLookup) {
      fd.withRaw { fd in value.withUnsafeMutableBytes { bpf_map_lookup_elem(fd, &key, $0.baseAddress) } }
    }
    return Array(value.prefix(size))
  }

  /// The program ids in a program array, by index. The kernel answers a look-up in one with the program's id.
  func programs(inArray fd: SharedFD, entries: UInt32) throws(Errno) -> [(index: UInt32, programID: UInt32)] {
    var found: [(index: UInt32, programID: UInt32)] = []
    for index in 0..<entries {
      var key = index
      var id: UInt32 = 0
      do {
        _ = try call(.mapLookup) { fd.withRaw { bpf_map_lookup_elem($0, &key, &id) } }
        found.append((index, id))
      } catch .noSuchFileOrDirectory {
        continue
      }
    }
    return found
  }
}
