// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc

extension BPF {
  /// The value under an array map's index, as bytes; those of all possible CPUs in turn for a per-CPU map.
  public static func value(_ map: borrowing OwnedFD, at index: UInt32) throws -> [UInt8] {
    let info = try info(map, bpf_map_info())
    guard info.key_size == 4 else { throw HarnessError("map \(info.id) has keys of \(info.key_size) bytes, not 4") }
    var size = Int(info.value_size)
    if info.type == BPF_MAP_TYPE_PERCPU_ARRAY.rawValue || info.type == BPF_MAP_TYPE_PERCPU_HASH.rawValue {
      let cpus = libbpf_num_possible_cpus()
      guard cpus > 0 else { throw HarnessError("number of CPUs", errno: -cpus) }
      size = (size + 7) / 8 * 8 * Int(cpus)
    }
    var key = index
    var bytes = [UInt8](repeating: 0, count: size)
    let status = bpf_map_lookup_elem(map.rawValue, &key, &bytes)
    guard status == 0 else { throw HarnessError("map \(info.id), index \(index)", errno: -status) }
    return bytes
  }

  /// The 32-bit number at an index, or the first `UInt32` of a longer value.
  public static func u32(_ map: borrowing OwnedFD, at index: UInt32) throws -> UInt32 {
    let all: [UInt32] = numbers(try value(map, at: index))
    guard let first = all.first else { throw HarnessError("the map's value holds no 32-bit number") }
    return first
  }

  /// The 64-bit number at an index, or the first of a longer value; of a per-CPU map the sum over the CPUs.
  public static func u64(_ map: borrowing OwnedFD, at index: UInt32) throws -> UInt64 {
    try u64s(map, at: index).first ?? 0
  }

  /// The 64-bit numbers that make up the value at an index, each summed over the CPUs for a per-CPU map.
  public static func u64s(_ map: borrowing OwnedFD, at index: UInt32) throws -> [UInt64] {
    let all: [UInt64] = numbers(try value(map, at: index))
    let perValue = Int(try info(map, bpf_map_info()).value_size) / 8
    guard perValue > 0 else { throw HarnessError("the map's value holds no 64-bit number") }
    return (0..<perValue).map { field in
      stride(from: field, to: all.count, by: perValue).reduce(0) { $0 &+ all[$1] }
    }
  }

  private static func numbers<Number: FixedWidthInteger>(_ bytes: [UInt8]) -> [Number] {
    let size = MemoryLayout<Number>.size
    return bytes.withUnsafeBytes { raw in
      (0..<raw.count / size).map { raw.loadUnaligned(fromByteOffset: $0 * size, as: Number.self) }
    }
  }

  /// Runs a program once on this packet or context, and returns what it returned and the packet it left.
  public static func testRun(
    _ program: borrowing OwnedFD, data: [UInt8] = [UInt8](repeating: 0, count: 64)
  ) throws -> (returned: UInt32, data: [UInt8]) {
    var output = [UInt8](repeating: 0, count: data.count + 256)
    var options = bpf_test_run_opts()
    options.sz = MemoryLayout<bpf_test_run_opts>.size
    options.repeat = 1
    let status = data.withUnsafeBytes { input in
      output.withUnsafeMutableBytes { out in
        options.data_in = input.baseAddress
        options.data_size_in = UInt32(input.count)
        options.data_out = out.baseAddress
        options.data_size_out = UInt32(out.count)
        return bpf_prog_test_run_opts(program.rawValue, &options)
      }
    }
    guard status == 0 else { throw HarnessError("BPF_PROG_TEST_RUN", errno: -status) }
    return (options.retval, Array(output.prefix(Int(options.data_size_out))))
  }

  /// The same for the program pinned at this path.
  public static func testRun(pin path: String, data: [UInt8] = [UInt8](repeating: 0, count: 64)) throws -> UInt32 {
    try testRun(open(pin: path), data: data).returned
  }
}
