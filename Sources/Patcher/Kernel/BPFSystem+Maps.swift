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
    try fill(fd, with: value, freeze: true)
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

  /// A new program array, empty. The C function is `bpf_map_create`.
  func createProgramArray(name: String, entries: UInt32) throws(Errno) -> SharedFD {
    try open(.mapCreate) { bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, name, 4, 4, entries, nil) }
  }

  /// The id of the program at an index of a program array; nil if there is none.
  ///
  /// The kernel answers a look-up with the program's id. The C function is `bpf_map_lookup_elem`.
  func program(inArray fd: SharedFD, at index: UInt32) throws(Errno) -> UInt32? {
    var key = index
    var id: UInt32 = 0
    do {
      _ = try call(.mapLookup) { fd.withRaw { bpf_map_lookup_elem($0, &key, &id) } }
      return id
    } catch .noSuchFileOrDirectory {
      return nil
    }
  }

  /// Puts a program into a program array in place of what is there. The C function is `bpf_map_update_elem`.
  ///
  /// - Throws: `EINVAL` if the array takes no such program, `EBUSY` if an extension replaces one of its functions.
  func put(_ program: SharedFD, inArray fd: SharedFD, at index: UInt32) throws(Errno) {
    var key = index
    _ = try call(.mapUpdate) {
      fd.withRaw { array in
        program.withRaw { program in
          var value = program
          return bpf_map_update_elem(array, &key, &value, 0)
        }
      }
    }
  }

  /// The programs in a program array, by index.
  func programs(inArray fd: SharedFD, entries: UInt32) throws(Errno) -> [(index: UInt32, programID: UInt32)] {
    var found: [(index: UInt32, programID: UInt32)] = []
    for index in 0..<entries {
      if let id = try program(inArray: fd, at: index) { found.append((index, id)) }
    }
    return found
  }

  /// Whether there is anything in a map. The C function is `bpf_map_get_next_key`.
  func hasKeys(_ fd: SharedFD, keySize: Int) throws(Errno) -> Bool {
    var key = [UInt8](repeating: 0, count: keySize)
    do throws(Errno) {
      _ = try call(.mapNextKey) {
        fd.withRaw { fd in key.withUnsafeMutableBytes { bpf_map_get_next_key(fd, nil, $0.baseAddress) } }
      }
      return true
    } catch .noSuchFileOrDirectory {
      return false
    }
  }
}
