// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import Synchronization

/// Handlers registered with libbpf for an object's sections, so that each program passes by us before it is loaded.
///
/// libbpf keeps handlers for the whole process and moves them about when one comes or goes: no object opened with them
/// may outlive them, and only one set may exist at a time.
enum ProgramHandlers {
  /// Held while handlers are registered.
  static let oneAtATime = Mutex(())

  /// A handler for a section that no object has, kept for ever.
  ///
  /// When the last handler goes, libbpf before 1.3 shrinks its array to nothing and keeps the pointer that realloc freed.
  private static let lastHandler: Int32 = {
    var opts = libbpf_prog_handler_opts()
    opts.sz = MemoryLayout<libbpf_prog_handler_opts>.size
    return libbpf_register_prog_handler("static_keys/none", BPF_PROG_TYPE_UNSPEC, bpf_attach_type(0), &opts)
  }()

  /// Runs `body` with `prepare` registered for the sections of all programs in `object`.
  static func register<R>(
    for object: borrowing OpenObject, prepare: @escaping libbpf_prog_prepare_load_fn_t, cookie: Int,
    _ body: () throws(StaticKeysError) -> R
  ) throws(StaticKeysError) -> R {
    guard lastHandler >= 0 else {
      throw StaticKeysError(.kernel, "libbpf takes no program handlers", errno: -lastHandler)
    }
    var ids: [Int32] = []
    defer { for id in ids { libbpf_unregister_prog_handler(id) } }
    var seen: Set<String> = []
    try object.forEachProgram { program throws(StaticKeysError) in
      guard seen.insert(program.section).inserted else { return }
      ids.append(try register(program, prepare, cookie))
    }
    return try body()
  }

  private static func register(
    _ program: ObjectProgram, _ prepare: @escaping libbpf_prog_prepare_load_fn_t, _ cookie: Int
  ) throws(StaticKeysError) -> Int32 {
    let newer = program.rules.newerType
    var opts = libbpf_prog_handler_opts()
    opts.sz = MemoryLayout<libbpf_prog_handler_opts>.size
    opts.cookie = cookie
    opts.prog_prepare_load_fn = prepare
    let id = libbpf_register_prog_handler(
      program.section, newer?.type ?? program.type, newer?.attachType ?? program.expectedAttachType, &opts)
    guard id >= 0 else {
      throw StaticKeysError(
        .unsupported, "libbpf takes no handler for it", at: Place(section: program.section), errno: -id)
    }
    return id
  }
}
