// SPDX-License-Identifier: Apache-2.0

/// A small generator with a seed, so that a failure can be repeated (xorshift64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
