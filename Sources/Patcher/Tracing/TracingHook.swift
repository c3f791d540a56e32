// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import SystemPackage

/// A hook at which the kernel cannot replace a program: keyctl puts a slot there.
public enum TracingHook: Hashable, Sendable {
  /// A raw tracepoint, `raw_tp:NAME`.
  case rawTracepoint(name: String)
  /// A tracepoint, `tp:CATEGORY/NAME`. Requires Linux 5.15.
  case tracepoint(category: String, name: String)
  /// A place in a kernel function, `kprobe:FUNC[+OFFSET]` or `kretprobe:FUNC`. Requires Linux 5.15.
  case kprobe(function: String, offset: UInt64, isReturn: Bool)
  /// A place in a program or library of user space, `uprobe:FILE:FUNC[+OFFSET]`, `uprobe:FILE:OFFSET` or `uretprobe:…`,
  /// in all processes. Requires Linux 5.15.
  case uprobe(file: String, location: ProbeLocation, isReturn: Bool)
  /// A perf event on each CPU, `perf-event:NAME[@HZ]`. Requires Linux 5.15.
  case perfEvent(PerfEvent)
  /// What the program itself says that it is for.
  case target(Target)

  /// Where in a file of user space.
  public enum ProbeLocation: Hashable, Sendable, CustomStringConvertible {
    /// Bytes from a function's start.
    case function(String, offset: UInt64)
    /// Bytes from the file's start.
    case file(offset: UInt64)

    public var description: String {
      switch self {
      case .function(let name, let offset): name + (offset == 0 ? "" : "+\(offset)")
      case .file(let offset): "0x" + String(offset, radix: 16)
      }
    }
  }

  /// Hooks whose place is in the program: libbpf finds it by the section's name when it loads the object.
  public enum Target: String, Hashable, Sendable, CaseIterable {
    /// A kernel function's entry. Requires Linux 5.5.
    case fentry
    /// A kernel function's return. Requires Linux 5.5.
    case fexit
    /// A kernel function's return, whose value the program may set. Requires Linux 5.7.
    case fmodRet = "fmod_ret"
    /// A hook of the kernel's security modules. Requires Linux 5.7.
    case lsm
    /// A raw tracepoint whose arguments have types. Requires Linux 5.5.
    case tpBTF = "tp_btf"

    /// The kernel's name for it (`enum bpf_attach_type`).
    var attachType: bpf_attach_type {
      switch self {
      case .fentry: BPF_TRACE_FENTRY
      case .fexit: BPF_TRACE_FEXIT
      case .fmodRet: BPF_MODIFY_RETURN
      case .lsm: BPF_LSM_MAC
      case .tpBTF: BPF_TRACE_RAW_TP
      }
    }
  }

  /// Whether a program of this type can go there.
  func takes(_ program: LoadedProgram) -> Bool {
    let type = bpf_prog_type(program.template.type)
    return switch self {
    case .rawTracepoint: [BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE].contains(type)
    case .tracepoint: type == BPF_PROG_TYPE_TRACEPOINT
    case .kprobe, .uprobe: type == BPF_PROG_TYPE_KPROBE
    case .perfEvent: type == BPF_PROG_TYPE_PERF_EVENT
    case .target(let target):
      type == (target == .lsm ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING)
        && program.template.expectedAttachType == target.attachType.rawValue
    }
  }
}
