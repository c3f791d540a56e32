// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import Synchronization

/// Handlers registered with libbpf for an object's sections, so that each program passes by us before it is loaded.
///
/// libbpf keeps handlers for the whole process and moves them about when one comes or goes: no object opened with them
/// may outlive them, and only one set may exist at a time.
struct ProgramHandlers: ~Copyable {
  /// Held while handlers are registered.
  static let oneAtATime = Mutex(())

  private var ids: [Int32] = []

  /// Registers `prepare` for the sections of all programs in `object`.
  init(
    for object: borrowing OpenObject, prepare: @escaping libbpf_prog_prepare_load_fn_t, cookie: Int
  ) throws(StaticKeysError) {
    var seen: Set<String> = []
    var failure: StaticKeysError?
    object.forEachProgram { program in
      guard failure == nil, seen.insert(program.section).inserted else { return }
      let newer = program.rules.newerType
      var opts = libbpf_prog_handler_opts()
      opts.sz = MemoryLayout<libbpf_prog_handler_opts>.size
      opts.cookie = cookie
      opts.prog_prepare_load_fn = prepare
      let id = libbpf_register_prog_handler(
        program.section, newer?.type ?? program.type, newer?.attachType ?? program.expectedAttachType, &opts)
      if id < 0 {
        failure = StaticKeysError(
          .unsupported, "libbpf takes no handler for the section \(program.section)", errno: -id)
      } else {
        ids.append(id)
      }
    }
    if let failure { throw failure }
  }

  deinit { for id in ids { libbpf_unregister_prog_handler(id) } }
}
