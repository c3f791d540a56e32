// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Patcher
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One line on the terminal that tells how far work has come which takes longer than a second; it goes with the work.
final class Progress: Sendable {
  private enum Stage {
    case nothing
    case waiting
    case loading(ready: Int, all: Int)
  }

  private let stage = Mutex(Stage.nothing)
  private let written = Mutex("")

  private static let patience = DispatchTimeInterval.seconds(1)
  private static let interval = DispatchTimeInterval.milliseconds(100)

  /// Runs `body` with a line where somebody sees it: standard error is a terminal, and `shown`.
  static func during<R>(shown: Bool, _ body: (Progress?) throws -> R) rethrows -> R {
    guard shown, isatty(FileDescriptor.standardError.rawValue) == 1 else { return try body(nil) }
    let progress = Progress()
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "progress"))
    let ended = DispatchSemaphore(value: 0)
    timer.setEventHandler { progress.show() }
    timer.setCancelHandler { ended.signal() }
    timer.schedule(deadline: .now() + patience, repeating: interval)
    timer.activate()
    defer {
      timer.cancel()
      ended.wait()
      progress.rewrite("")
    }
    return try body(progress)
  }

  /// The kernel, through a door that tells here when it waits.
  var system: BPFSystem {
    BPFSystem(waiting: { isWaiting in self.stage.withLock { $0 = isWaiting ? .waiting : .nothing } })
  }

  /// Takes what a `Changer` tells.
  var loads: Changer.Progress {
    { ready, all in self.stage.withLock { $0 = .loading(ready: ready, all: all) } }
  }

  private func show() {
    switch stage.withLock({ $0 }) {
    case .nothing: rewrite("")
    case .waiting:
      let writer = BPFSystem.writer.map { " (pid \($0))" } ?? ""
      rewrite("waiting for another \(Invocation.name)\(writer) to finish")
    case .loading(let ready, let all): rewrite("loading \(ready) of \(all) programs")
    }
  }

  private func rewrite(_ text: String) {
    written.withLock { written in
      guard text != written else { return }
      written = text
      // A terminal that is gone needs no line.
      _ = try? FileDescriptor.standardError.writeAll("\r\u{1b}[K\(text)".utf8)
    }
  }
}
