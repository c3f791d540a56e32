// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys
import Synchronization
import SystemPackage

/// Set by SIGINT and SIGTERM.
private let interrupted = Atomic<Bool>(false)

/// Writes a line at once, so that a reader behind a pipe sees every record as it comes.
func printLine(_ line: String) {
  _ = try? FileDescriptor.standardOutput.writeAll((line + "\n").utf8)
}

/// Prints a ring buffer's records until it is told to stop.
final class EventStream {
  private let printer: RecordPrinter
  private let limit: Int?
  private var printed = 0
  private var failure: StaticKeysError?

  init(printer: consuming RecordPrinter, limit: Int?) {
    self.printer = printer
    self.limit = limit
  }

  /// Returns after `limit` records, after `seconds`, or when interrupted.
  func run(map: borrowing PinnedMap, seconds: Double?) throws(StaticKeysError) {
    Self.catchSignals()
    let context = Unmanaged.passUnretained(self).toOpaque()
    guard
      let ring = ring_buffer__new(
        map.fd,
        { context, data, size in
          guard let context, let data else { return 0 }
          let record = [UInt8](UnsafeRawBufferPointer(start: data, count: size))
          return Unmanaged<EventStream>.fromOpaque(context).takeUnretainedValue().take(record) ? 0 : -ECANCELED
        }, context, nil)
    else {
      throw StaticKeysError(.kernel, "cannot read as a ring buffer", at: Place(file: map.path), errno: errno)
    }
    defer { ring_buffer__free(ring) }
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    while !interrupted.load(ordering: .relaxed), end.map({ ContinuousClock.now < $0 }) ?? true {
      // Short enough for --seconds, and for a signal that comes just before the wait.
      let result = ring_buffer__poll(ring, 100)
      if let failure { throw failure }
      if result == -ECANCELED { return }
      guard result >= 0 || result == -EINTR else {
        throw StaticKeysError(.kernel, "cannot wait for records", at: Place(file: map.path), errno: -result)
      }
    }
  }

  /// Prints one record; false if it was the last.
  private func take(_ record: [UInt8]) -> Bool {
    if interrupted.load(ordering: .relaxed) { return false }
    do throws(StaticKeysError) {
      printLine(try printer.text(of: record))
    } catch {
      failure = error
      return false
    }
    printed += 1
    return limit.map { printed < $0 } ?? true
  }

  private static func catchSignals() {
    // Reading it first makes the handler find it initialised.
    interrupted.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in interrupted.store(true, ordering: .relaxed) }
    }
  }
}
