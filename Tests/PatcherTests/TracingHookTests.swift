// SPDX-License-Identifier: Apache-2.0

import Patcher
import Testing

/// How hooks for tracing are spelled.
@Suite struct TracingHookTests {
  @Test(
    "what users type comes out in one spelling",
    arguments: [
      ("raw_tp:sys_enter", "raw_tp:sys_enter"), ("raw_tracepoint:sys_enter", "raw_tp:sys_enter"),
      ("tp:sched/sched_switch", "tp:sched/sched_switch"), ("tracepoint:sched/sched_switch", "tp:sched/sched_switch"),
      ("tracepoint:sched:sched_switch", "tp:sched/sched_switch"),
      ("kprobe:do_exit", "kprobe:do_exit"), ("kprobe:do_exit+0x10", "kprobe:do_exit+16"),
      ("kretprobe:do_exit", "kretprobe:do_exit"),
      ("uprobe:/bin/bash:readline", "uprobe:/bin/bash:readline"),
      ("uprobe:/odd:path/x:f+4", "uprobe:/odd:path/x:f+4"), ("uprobe:libc.so.6:0x1a0", "uprobe:libc.so.6:0x1a0"),
      ("uretprobe:libc.so.6:malloc", "uretprobe:libc.so.6:malloc"),
      ("perf-event:cpu-clock@99", "perf-event:cpu-clock@99"), ("perf_event:page-faults", "perf-event:page-faults"),
      ("fentry", "fentry"), ("fmod_ret", "fmod_ret"), ("tp_btf", "tp_btf"), ("lsm", "lsm"),
    ])
  func spelling(text: String, canonical: String) {
    #expect(Hook(text)?.description == canonical)
    #expect(Hook(canonical)?.description == canonical)
  }

  @Test(
    "what is none is refused",
    arguments: [
      "raw_tp:", "raw_tp", "tp:sched", "tp:/x", "tp:x/", "tp:../x", "tp:a/b/c", "kprobe:", "kprobe:f+", "kprobe:f+x",
      "kprobe:0x10", "kretprobe:f+4", "uprobe:/bin/bash", "uprobe::f", "uprobe:/bin/bash:", "uprobe:/bin/bash:+4",
      "perf-event:cpu-clock", "perf-event:cpu-cycles", "perf-event:nosuch@1", "perf-event:cpu-clock@0",
      "perf-event:cpu-clock@-1", "fentry:x", "usdt:x", "",
    ])
  func refused(text: String) { #expect(Hook(text) == nil) }

  @Test("a request may name the program, and leave the hook to its section")
  func requests() {
    #expect(AttachRequest("auto").map { $0.program == nil && $0.hook == nil } == true)
    #expect(AttachRequest("p=auto").map { $0.program == "p" && $0.hook == nil } == true)
    #expect(AttachRequest("p=fexit")?.hook == .tracing(.target(.fexit)))
    #expect(AttachRequest("p=") == nil)
  }
}
