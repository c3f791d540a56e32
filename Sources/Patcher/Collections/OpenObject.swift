// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The owner of libbpf's `struct bpf_object`.
struct OpenObject: ~Copyable {
  let raw: OpaquePointer

  /// Opens an object's bytes. The C function is `bpf_object__open_mem`.
  init(image: [UInt8], name: String, file: String) throws(StaticKeysError) {
    let (pointer, warnings) = LibbpfMessages.collect {
      image.withUnsafeBytes { bytes in
        name.withCString { name in
          var opts = bpf_object_open_opts()
          opts.sz = MemoryLayout<bpf_object_open_opts>.size
          opts.object_name = name
          return bpf_object__open_mem(bytes.baseAddress, bytes.count, &opts)
        }
      }
    }
    guard let pointer else {
      throw StaticKeysError(
        .malformed, warnings.last ?? "libbpf cannot open it", at: Place(file: file), errno: errno)
    }
    raw = pointer
  }

  deinit { bpf_object__close(raw) }

  /// Calls `body` with each program that is to be loaded.
  func forEachProgram<E: Error>(_ body: (ObjectProgram) throws(E) -> Void) throws(E) {
    var program = bpf_object__next_program(raw, nil)
    while let current = program {
      if bpf_program__autoload(current) { try body(ObjectProgram(raw: current)) }
      program = bpf_object__next_program(raw, current)
    }
  }

  /// Calls `body` with the name and descriptor of each map that was created.
  func forEachMap<E: Error>(_ body: (String, Int32) throws(E) -> Void) throws(E) {
    var map = bpf_object__next_map(raw, nil)
    while let current = map {
      let fd = bpf_map__fd(current)
      if fd >= 0 { try body(String(cString: bpf_map__name(current)), fd) }
      map = bpf_object__next_map(raw, current)
    }
  }
}

/// A program that an `OpenObject` owns.
struct ObjectProgram {
  let raw: OpaquePointer

  var name: String { String(cString: bpf_program__name(raw)) }
  var section: String { String(cString: bpf_program__section_name(raw)) }
  var type: bpf_prog_type { bpf_program__type(raw) }
  var expectedAttachType: bpf_attach_type { bpf_program__expected_attach_type(raw) }
  var fd: Int32 { bpf_program__fd(raw) }
  var rules: SectionRules { SectionRules(section: section) }

  /// Tells libbpf what a tracing or LSM program is for, as its built-in handler would have.
  func setAttachTarget() throws(StaticKeysError) {
    guard let target = rules.attachTarget(type: type) else { return }
    let (status, warnings) = LibbpfMessages.collect { bpf_program__set_attach_target(raw, 0, target) }
    guard status == 0 else {
      throw StaticKeysError(
        .unsupported, "this kernel has no '\(target)' to attach to\(warnings.last.map { ": " + $0 } ?? "")",
        at: Place(section: section, program: name), errno: -status)
    }
  }

  /// The instructions as they are now; after relocation those that the kernel gets.
  var instructions: [Instruction] {
    guard let first = bpf_program__insns(raw) else { return [] }
    let bytes = UnsafeRawBufferPointer(start: first, count: bpf_program__insn_cnt(raw) * Instruction.size)
    return stride(from: 0, to: bytes.count, by: Instruction.size).compactMap {
      Instruction(bytes: bytes[$0..<$0 + Instruction.size], order: .host)
    }
  }
}
