// SPDX-License-Identifier: Apache-2.0

import CTestSupport
import Foundation
import Synchronization

/// A command that runs beside the test, in a process group of its own.
///
/// Its input and output are files in memory: nothing blocks, whatever the sizes, and no pipe stays open because some
/// grandchild holds it. Its whole group is killed when the last reference goes.
public final class ChildProcess: Sendable {
  /// The command and its arguments.
  public let command: [String]
  /// The process's id, and its group's.
  public let pid: pid_t

  private let output: OwnedFD
  private let errors: OwnedFD
  private let exitStatus = Mutex<Int32?>(nil)

  /// Starts a command; `environment` is added to the test's own, a nil value takes a variable away.
  public init(_ command: [String], input: String = "", environment: [String: String?] = [:]) throws {
    guard let name = command.first, let path = Tools.find(name) else {
      throw HarnessError("no program '\(command.first ?? "")' on this machine")
    }
    self.command = command
    output = try OwnedFD(memfd_create("stdout", 1), "memfd_create")
    errors = try OwnedFD(memfd_create("stderr", 1), "memfd_create")
    let inputFile = try OwnedFD(memfd_create("stdin", 1), "memfd_create")
    try input.utf8CString.withUnsafeBytes { text in
      let count = text.count - 1
      let written = write(inputFile.rawValue, text.baseAddress, count)
      guard written == count else { throw HarnessError("write", errno: errno) }
    }
    lseek(inputFile.rawValue, 0, SEEK_SET)

    let variables = ProcessInfo.processInfo.environment
      .merging(["PATH": Tools.searchPath]) { $1 }
      .merging(environment.compactMapValues { $0 }) { $1 }
      .filter { name, _ in environment[name] != .some(nil) }
    pid = try spawn(
      path, command, variables: variables.map { "\($0)=\($1)" },
      standard: [inputFile.rawValue, output.rawValue, errors.rawValue])
  }

  deinit {
    // Once the leader is reaped, its id may be somebody else's.
    guard poll() == nil else { return }
    kill(-pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  /// What the process has written to its standard output so far.
  public var stdout: String { String(decoding: output.contents(), as: UTF8.self) }

  /// What the process has written to its standard error so far.
  public var stderr: String { String(decoding: errors.contents(), as: UTF8.self) }

  /// The complete lines of its standard output so far.
  public var lines: [String] {
    let parts = stdout.split(separator: "\n", omittingEmptySubsequences: false)
    return parts.dropLast().map(String.init)
  }

  /// Its exit status once it has ended: as shells count, 128 plus the signal where one ended it.
  public func poll() -> Int32? {
    exitStatus.withLock { known in
      if known != nil { return known }
      var status: Int32 = 0
      guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
      let signal = status & 0x7f
      known = signal == 0 ? status >> 8 & 0xff : 128 + signal
      return known
    }
  }

  /// Sends a signal to the process alone; false if it has ended.
  @discardableResult
  public func signal(_ number: Int32) -> Bool {
    exitStatus.withLock { $0 == nil && kill(pid, number) == 0 }
  }

  /// Waits for the end; on a timeout it kills the whole group and throws, with what was printed.
  public func wait(timeout: Duration = .seconds(30)) throws -> CommandResult {
    guard eventually(within: timeout, { poll() != nil }), let status = poll() else {
      kill(-pid, SIGKILL)
      _ = eventually(within: .seconds(5)) { poll() != nil }
      throw HarnessError("\(command.joined(separator: " ")) took more than \(timeout)\n\(stdout)\(stderr)")
    }
    return CommandResult(command: command, status: status, stdout: stdout, stderr: stderr)
  }

  /// Waits for a line of output for which `matches` holds.
  public func line(within timeout: Duration = .seconds(10), where matches: (String) -> Bool) throws -> String {
    var found: String?
    let came = eventually(within: timeout) {
      let ended = poll() != nil
      found = lines.first(where: matches)
      return found != nil || ended
    }
    guard came, let found else {
      throw HarnessError("\(command.joined(separator: " ")) did not print the line waited for\n\(stdout)\(stderr)")
    }
    return found
  }
}

private func spawn(_ path: String, _ command: [String], variables: [String], standard: [Int32]) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (number, fd) in standard.enumerated() { posix_spawn_file_actions_adddup2(&actions, fd, Int32(number)) }
  posix_spawn_file_actions_addclosefrom_np(&actions, 3)

  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  // A shell's background job ignores SIGINT, and its children would inherit that.
  var signals = sigset_t()
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  posix_spawnattr_setpgroup(&attributes, 0)
  posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

  let argv = command.map { strdup($0) } + [nil]
  let envp = variables.map { strdup($0) } + [nil]
  defer { (argv + envp).forEach { free($0) } }
  var pid: pid_t = 0
  let code = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
  guard code == 0 else { throw HarnessError("cannot start \(path)", errno: code) }
  return pid
}
