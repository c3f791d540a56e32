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
final class ProgressLine: Sendable {
  private let last = Mutex<Progress?>(nil)
  private let written = Mutex("")

  private static let patience = DispatchTimeInterval.seconds(1)
  private static let interval = DispatchTimeInterval.milliseconds(100)

  /// Runs `body` with a line where somebody sees it: standard error is a terminal, and `shown`.
  ///
  /// - Parameter body: works through the door to the kernel that it is given.
  static func during<R>(shown: Bool, _ body: (BPFSystem) throws -> R) rethrows -> R {
    guard shown, isatty(FileDescriptor.standardError.rawValue) == 1 else { return try body(BPFSystem()) }
    let line = ProgressLine()
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "progress"))
    let ended = DispatchSemaphore(value: 0)
    timer.setEventHandler { line.show() }
    timer.setCancelHandler { ended.signal() }
    timer.schedule(deadline: .now() + patience, repeating: interval)
    timer.activate()
    defer {
      timer.cancel()
      ended.wait()
      line.rewrite("")
    }
    return try body(BPFSystem(watcher: { progress in line.last.withLock { $0 = progress } }))
  }

  private func show() {
    guard let progress = last.withLock({ $0 }) else { return }
    let writer = progress.phase == .waiting ? BPFSystem.writer : nil
    rewrite(progress.text(writer: writer))
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

extension Progress {
  /// - Parameter writer: the process that is waited for.
  fileprivate func text(writer: Int32?) -> String {
    switch phase {
    case .waiting: "waiting for another \(Invocation.name)\(writer.map { " (pid \($0))" } ?? "") to finish"
    case _ where all == 0: ""
    case .reading: "reading \(done) of the kernel's \(all) programs"
    case .loading, .attaching, .replacing, .removing: "\(phase.rawValue) \(done) of \(all)"
    }
  }
}
