// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What kept a test from doing its work: trouble with the machine or the harness, not with the code under test.
public struct HarnessError: Error, Sendable, CustomStringConvertible {
  /// What happened and what to do about it.
  public let description: String

  /// An error with this text.
  public init(_ description: String) { self.description = description }

  /// An error with this text and the meaning of an errno; the current one if none is given.
  public init(_ what: String, errno code: Int32 = errno) {
    description = "\(what): \(String(cString: strerror(code)))"
  }
}
