// SPDX-License-Identifier: Apache-2.0

/// Runs `body`; what it throws is told with the parts of `place` that it did not know itself.
public func located<R: ~Copyable>(
  at place: @autoclosure () -> Place, _ body: () throws(StaticKeysError) -> R
) throws(StaticKeysError) -> R {
  do throws(StaticKeysError) {
    return try body()
  } catch {
    throw error.located(at: place())
  }
}
