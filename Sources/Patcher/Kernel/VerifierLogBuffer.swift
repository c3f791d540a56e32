// SPDX-License-Identifier: Apache-2.0

/// Where the kernel puts the verifier's log; pages that it does not fill cost nothing.
final class VerifierLogBuffer {
  let size = 16 << 20
  let start: UnsafeMutablePointer<CChar>

  init() {
    start = .allocate(capacity: size)
    start[0] = 0
  }

  /// What the kernel wrote.
  var text: String { String(cString: start) }

  deinit { start.deallocate() }
}
