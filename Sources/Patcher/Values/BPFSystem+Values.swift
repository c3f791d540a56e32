// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension BPFSystem {
  /// A new map of variables like another one, frozen with these bytes: to the verifier they are constants.
  ///
  /// Requires Linux 5.2. The C functions are `bpf_map_create` and `bpf_map_freeze`.
  func createFrozenMap(like shape: DataMapShape, value: [UInt8]) throws(Errno) -> SharedFD {
    let map = MapTemplate(
      name: shape.name, type: BPF_MAP_TYPE_ARRAY.rawValue, keySize: 4, valueSize: shape.valueSize, maxEntries: 1,
      flags: shape.flags, extra: shape.extra, keyType: shape.keyTypeID, valueType: shape.valueTypeID)
    let fd = try createMap(map, named: shape.name, btf: btf(id: shape.btfID))
    try fill(fd, with: value, freeze: true)
    return fd
  }

  /// The memory of an array map that was made with `BPF_F_MMAPABLE`. Requires Linux 5.5.
  func mapMemory(of fd: SharedFD, size: Int) throws(Errno) -> MapMemory {
    var start: UnsafeMutableRawPointer?
    _ = try libcCall(.mapMemory) {
      start = fd.withRaw { mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, $0, 0) }
      return start == MAP_FAILED ? -1 : 0
    }
    guard let start else { throw .invalidArgument }
    return MapMemory(start: start, size: size)
  }
}

/// A map's value as programs see it.
final class MapMemory: Sendable {
  // SAFETY: the memory is the kernel's, shared with running programs; it is only written by the atomic steps below.
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer
  private let size: Int

  fileprivate init(start: UnsafeMutableRawPointer, size: Int) {
    self.start = start
    self.size = size
  }

  deinit { munmap(start, size) }

  /// Puts `bytes` there, in as few steps as alignment allows: whoever reads an aligned number sees all of it or nothing.
  func store(_ bytes: ArraySlice<UInt8>, at offset: Int) {
    guard offset >= 0, offset + bytes.count <= size else { return }
    var rest = bytes
    var place = offset
    while !rest.isEmpty {
      let step = [8, 4, 2, 1].first { place % $0 == 0 && $0 <= rest.count } ?? 1
      rest.withUnsafeBytes { sk_store(start + place, $0.baseAddress, UInt32(step)) }
      rest = rest.dropFirst(step)
      place += step
    }
  }

  /// Puts the bits of `mask` there and leaves their neighbours as they are, whatever a program does to them meanwhile.
  func merge(_ bytes: ArraySlice<UInt8>, mask: ArraySlice<UInt8>, at offset: Int) {
    guard offset >= 0, offset + bytes.count <= size, bytes.count == mask.count else { return }
    for (index, byte) in bytes.enumerated() {
      let bits = mask[mask.startIndex + index]
      if bits != 0 { sk_merge_byte(start + offset + index, byte, bits) }
    }
  }
}
