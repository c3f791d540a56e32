// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How a command ended.
public struct CommandResult: Sendable, Hashable, CustomStringConvertible {
  /// The command and its arguments.
  public let command: [String]
  /// Its exit status, or 128 plus the signal that ended it.
  public let status: Int32
  /// What it printed.
  public let stdout: String
  /// What it complained about.
  public let stderr: String

  /// All of it, as a failed expectation should show it.
  public var description: String {
    "`\(command.joined(separator: " "))` exited with \(status)\n\(stdout)\(stderr)"
  }

  /// This result, or an error with all of it if the command failed.
  @discardableResult
  public func checked() throws -> CommandResult {
    guard status == 0 else { throw HarnessError(description) }
    return self
  }
}

/// Runs a command to its end; throws if it cannot be started or takes longer than `timeout`, and then kills it.
public func run(
  _ command: [String], input: String = "", environment: [String: String?] = [:], timeout: Duration = .seconds(30)
) throws -> CommandResult {
  try ChildProcess(command, input: input, environment: environment).wait(timeout: timeout)
}

/// Asks again and again until the answer is yes or the time is over; returns the last answer.
public func eventually(within timeout: Duration, _ condition: () -> Bool) -> Bool {
  let deadline = ContinuousClock.now + timeout
  var pause: UInt32 = 500
  while !condition() {
    guard ContinuousClock.now < deadline else { return condition() }
    usleep(pause)
    pause = min(pause * 2, 10_000)
  }
  return true
}
