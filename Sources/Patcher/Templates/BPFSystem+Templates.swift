// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

extension BPFSystem {
  /// Gives type information to the kernel. The C function is `bpf_btf_load`.
  ///
  /// - Throws: the errno, and what the kernel found wrong.
  func loadBTF(_ bytes: [UInt8]) throws(LoadFailure) -> SharedFD {
    let log = VerifierLogBuffer()
    var opts = bpf_btf_load_opts()
    opts.sz = MemoryLayout<bpf_btf_load_opts>.size
    opts.log_buf = log.start
    opts.log_size = UInt32(log.size)
    do throws(Errno) {
      return try open(.btfLoad) { bytes.withUnsafeBytes { bpf_btf_load($0.baseAddress, $0.count, &opts) } }
    } catch {
      throw LoadFailure(errno: error, log: log.text)
    }
  }

  /// A new map as a template describes it, without its content. The C function is `bpf_map_create`.
  ///
  /// - Parameters:
  ///   - name: of which the kernel keeps 15 characters.
  ///   - btf: where the types of its keys and values are.
  ///   - inner: a map like those that are to be in it, if it is a map of maps.
  func createMap(
    _ map: MapTemplate, named name: String, btf: SharedFD?, inner: SharedFD? = nil
  ) throws(Errno) -> SharedFD {
    var opts = bpf_map_create_opts()
    opts.sz = MemoryLayout<bpf_map_create_opts>.size
    opts.map_flags = map.flags
    opts.map_extra = map.extra
    opts.numa_node = map.numaNode
    let hasTypes = map.keyType != 0 || map.valueType != 0
    if hasTypes, btf != nil {
      opts.btf_key_type_id = map.keyType
      opts.btf_value_type_id = map.valueType
    }
    return try open(.mapCreate) {
      func create(_ btf: Int32, _ inner: Int32) -> Int32 {
        if hasTypes { opts.btf_fd = UInt32(bitPattern: btf) }
        opts.inner_map_fd = UInt32(bitPattern: inner)
        return bpf_map_create(
          bpf_map_type(map.type), name, map.keySize, map.valueSize, map.entries, &opts)
      }
      func create(_ btf: Int32) -> Int32 { inner?.withRaw { create(btf, $0) } ?? create(btf, 0) }
      return btf?.withRaw { create($0) } ?? create(0)
    }
  }

  /// Puts the one value into an array map, if there is one, and has nobody in user space change it again if it is to be
  /// frozen. Requires Linux 5.2 for that.
  func fill(_ fd: SharedFD, with value: [UInt8], freeze: Bool) throws(Errno) {
    try fd.withRaw { raw throws(Errno) in
      if !value.isEmpty {
        var key: UInt32 = 0
        _ = try call(.mapUpdate) { value.withUnsafeBytes { bpf_map_update_elem(raw, &key, $0.baseAddress, 0) } }
      }
      if freeze { _ = try call(.mapFreeze) { bpf_map_freeze(raw) } }
    }
  }
}

extension MapTemplate {
  /// How many entries the map has on this machine.
  fileprivate var entries: UInt32 {
    guard maxEntries == 0, type == BPF_MAP_TYPE_PERF_EVENT_ARRAY.rawValue else { return maxEntries }
    return UInt32(clamping: max(1, libbpf_num_possible_cpus()))
  }
}
