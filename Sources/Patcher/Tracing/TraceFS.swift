// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The tracing file system, which alone tells the tracepoints' numbers.
enum TraceFS {
  /// The number by which perf events name a tracepoint.
  ///
  /// - Throws: `.notFound` if there is no such tracepoint, or no tracefs is mounted; `.permission`.
  static func id(ofTracepoint name: String, in category: String) throws(StaticKeysError) -> UInt32 {
    // Touching it mounts it where debugfs is there.
    _ = access("/sys/kernel/debug/tracing/events", F_OK)
    guard let root = BPFFS.mounts().first(where: { $0.type == "tracefs" })?.path else {
      throw StaticKeysError(
        .notFound, "no tracefs is mounted, which knows the tracepoints",
        advice: "mount -t tracefs tracefs /sys/kernel/tracing")
    }
    let path = root.appending("events").appending(category).appending(name).appending("id")
    do throws(Errno) {
      if let id = UInt32(try FileText.read(path).prefix { $0.isNumber }) { return id }
    } catch .noSuchFileOrDirectory {
      throw StaticKeysError(
        .notFound, "there is no tracepoint '\(category)/\(name)'", at: Place(file: path.string),
        advice: "events/ there has them all")
    } catch {
      throw .kernel(error, "cannot read the tracepoint's number", at: Place(file: path.string), needs: [.sysAdmin])
    }
    throw StaticKeysError(.malformed, "it holds no number", at: Place(file: path.string))
  }
}
