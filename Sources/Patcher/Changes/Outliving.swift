// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension BPFSystem {
  /// Those of some programs that nothing was to hold any more and that are still there.
  ///
  /// This waits a little: a reader may hold one for a moment, a busy machine frees late, and one that hung on a raw
  /// tracepoint stays for as long as the kernel waits for all tasks that may be in it, some 200 ms.
  func outlived(_ programs: [ManagedProgram]) -> [UInt32] {
    let left = awaitEnd(of: programs.map(\.id), areForTracing: programs.contains { $0.template.isForTracing })
    guard !left.isEmpty, let attachments = try? AttachmentIndex(system: self, of: programs) else { return left }
    return left.filter { !attachments.isSevered($0) }
  }

  /// Waits a little until programs that nothing holds any more are gone.
  ///
  /// - Returns: those that are still there.
  @discardableResult
  func awaitEnd(of programs: [UInt32], areForTracing: Bool) -> [UInt32] {
    let deadline = ContinuousClock.now + (areForTracing ? .seconds(2) : .milliseconds(500))
    while true {
      let left = programs.filter { id in (try? object(.program, id: id)) != nil }
      if left.isEmpty || ContinuousClock.now > deadline { return left }
      usleep(2_000)
    }
  }
}

extension ProgramTemplate {
  var isForTracing: Bool {
    [
      BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_LSM,
      BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_PERF_EVENT,
    ].contains(bpf_prog_type(type))
  }
}
