// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The processes that hold a link open, as /proc tells.
struct LinkHolders: Sendable, CustomStringConvertible {
  private let processes: [(pid: pid_t, name: String)]

  /// Looks through the open files of all processes but this one. A process of another user needs CAP_SYS_PTRACE.
  init(ofLink id: UInt32) {
    let line = "link_id:\t\(id)\n"
    let pids = BPFFS.entries(of: "/proc").compactMap { pid_t($0.name) }.filter { $0 != getpid() }.sorted()
    processes = pids.filter { Self.process($0, hasLine: line) }.map { pid in
      let name = try? FileText.read(FilePath("/proc/\(pid)/comm"))
      return (pid, name.map { String($0.prefix { $0 != "\n" }) } ?? "?")
    }
  }

  var isEmpty: Bool { processes.isEmpty }

  /// "'name' (pid 17), 'other' (pid 18)".
  var description: String { processes.map { "'\($0.name)' (pid \($0.pid))" }.joined(separator: ", ") }

  private static func process(_ pid: pid_t, hasLine line: String) -> Bool {
    let folder = FilePath("/proc/\(pid)")
    return BPFFS.entries(of: folder.appending("fd")).contains { entry in
      // Asking the link's name first spares the text of all that is no link.
      guard let target = try? readLink(folder.appending("fd").appending(entry.name)), target.contains("bpf") else {
        return false
      }
      return (try? FileText.read(folder.appending("fdinfo").appending(entry.name)))?.contains(line) == true
    }
  }

  private static func readLink(_ path: FilePath) throws(Errno) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    let length = readlink(path.string, &buffer, buffer.count)
    guard length > 0 else { throw Errno(rawValue: errno) }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
