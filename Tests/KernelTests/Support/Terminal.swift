// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A terminal of a test's own, to see what commands write to a person.
final class Terminal {
  /// All that was written to it up to the last look.
  private(set) var text = ""
  private let master: OwnedFD
  /// Keeps it a terminal while nobody else has it open.
  private let slave: OwnedFD
  private let path: String

  init() throws {
    var first: Int32 = -1
    var second: Int32 = -1
    guard openpty(&first, &second, nil, nil, nil) == 0 else { throw HarnessError("openpty", errno: errno) }
    master = try OwnedFD(first, "terminal")
    slave = try OwnedFD(second, "terminal")
    var name = [CChar](repeating: 0, count: 128)
    guard ttyname_r(slave.rawValue, &name, name.count) == 0,
      fcntl(master.rawValue, F_SETFL, O_NONBLOCK) == 0
    else { throw HarnessError("the terminal's name", errno: errno) }
    path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Starts a command whose standard error is this terminal.
  func start(_ command: [String]) throws -> ChildProcess {
    try ChildProcess(["sh", "-c", #"exec "$@" 2>"$0""#, path] + command)
  }

  /// Takes in what has come.
  func look() {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(master.rawValue, &chunk, chunk.count)
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    text += String(decoding: bytes, as: UTF8.self)
  }

  /// Waits for a text; looking all the time, since a terminal holds but little.
  func shows(_ part: String, within timeout: Duration = .seconds(60)) -> Bool {
    eventually(within: timeout) {
      look()
      return text.contains(part)
    }
  }

  /// Waits for a command to end.
  func wait(for child: ChildProcess, timeout: Duration = .seconds(120)) throws -> CommandResult {
    let isOver = eventually(within: timeout) {
      look()
      return child.poll() != nil
    }
    let result = try child.wait(timeout: isOver ? .seconds(1) : .zero)
    look()
    return result
  }
}
