// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A version of Linux, as far as features come with one.
public struct LinuxVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The 6 of 6.12.
  public let major: Int
  /// The 12 of 6.12.
  public let minor: Int

  public var description: String { "\(major).\(minor)" }

  /// The version that a text such as "6.12" or "6.1.0-56-cloud-amd64" begins with; nil if it begins with none.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber }), major >= 0
    else { return nil }
    self.major = major
    self.minor = minor
  }

  /// The running kernel's; nil if it cannot be told.
  public static let running: LinuxVersion? = {
    var name = utsname()
    guard uname(&name) == 0 else { return nil }
    return LinuxVersion(BPF.text(name.release))
  }()

  public static func < (a: LinuxVersion, b: LinuxVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
