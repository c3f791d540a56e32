// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Runs `body`; its error is told with the parts of `place` that it did not know itself.
func located<T: ~Copyable>(
  at place: Place, _ body: () throws(StaticKeysError) -> T
) throws(StaticKeysError) -> T {
  do throws(StaticKeysError) {
    return try body()
  } catch {
    throw error.located(at: place)
  }
}
