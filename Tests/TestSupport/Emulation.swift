// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Allows for a machine that another program emulates, as Tests/vm/run does, where to start a command takes fifty times
/// as long as elsewhere.
public enum Emulation {
  /// Whether this machine is emulated: `STATICKEYS_EMULATED` says so.
  public static let isOn = ProcessInfo.processInfo.environment["STATICKEYS_EMULATED"] == "1"

  /// How often to do what is done so many times on a real machine.
  public static func fewer(than times: Int, on emulated: Bool = isOn) -> Int {
    emulated ? max(times / 10, min(times, 12)) : times
  }
}
