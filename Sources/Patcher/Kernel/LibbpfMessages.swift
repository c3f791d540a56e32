// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keeps what libbpf warns about instead of letting it go to stderr, so that errors can quote it.
enum LibbpfMessages {
  private static let warnings = Mutex<[String]>([])

  private static let printer: libbpf_print_fn_t = { level, format, arguments in
    guard level == LIBBPF_WARN, let format, let arguments else { return 0 }
    var buffer = [CChar](repeating: 0, count: 1024)
    let length = vsnprintf(&buffer, buffer.count, format, arguments)
    let shown = buffer.prefix(min(Int(max(length, 0)), buffer.count - 1))
    let line = String(decoding: shown.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    warnings.withLock { $0.append(line.hasSuffix("\n") ? String(line.dropLast()) : line) }
    return length
  }

  /// Runs `body` and returns what libbpf warned about meanwhile. Not for two threads at once: libbpf has one printer.
  static func collect<R>(_ body: () -> R) -> (result: R, warnings: [String]) {
    warnings.withLock { $0 = [] }
    let previous = libbpf_set_print(printer)
    defer { libbpf_set_print(previous) }
    return (body(), warnings.withLock { $0 })
  }
}
