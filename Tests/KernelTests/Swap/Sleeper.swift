// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

/// A process that holds a descriptor and does nothing else.
final class Sleeper {
  let pid: pid_t
  private var hasEnded = false

  /// Starts it with a descriptor as its standard input, which it leaves alone.
  init(holding descriptor: consuming OwnedFD) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptor.rawValue, 0)
    let arguments = [strdup("sleep"), strdup("60"), nil]
    defer { arguments.forEach { free($0) } }
    var pid: pid_t = 0
    let path = try #require(Tools.find("sleep"))
    let code = posix_spawn(&pid, path, &actions, nil, arguments, environ)
    guard code == 0 else { throw HarnessError("cannot start \(path)", errno: code) }
    self.pid = pid
  }

  deinit { end() }

  /// Ends it; what it held is closed.
  func end() {
    if hasEnded { return }
    hasEnded = true
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }
}
