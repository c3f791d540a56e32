// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Prepared changes of several programs, put in force all or none.
struct Transaction {
  let changes: [any PreparedChange]

  /// Puts the changes in force in their order; when one fails, those before it are taken back.
  ///
  /// - Throws: the failure; `.partlyApplied` if taking back failed too.
  func commit() throws(StaticKeysError) {
    var done: [any PreparedChange] = []
    for change in changes {
      do throws(StaticKeysError) {
        try change.commit()
        done.append(change)
      } catch {
        try revert(done, because: error)
        throw error
      }
    }
  }

  private func revert(_ done: [any PreparedChange], because cause: StaticKeysError) throws(StaticKeysError) {
    var stuck: [StaticKeysError] = []
    for change in done.reversed() {
      do throws(StaticKeysError) { try change.revert() } catch { stuck.append(error) }
    }
    guard stuck.isEmpty else {
      throw StaticKeysError(
        .partlyApplied, "\(cause); and could not go back: \(stuck.map(\.description).joined(separator: ", "))",
        errno: cause.errno, advice: "run the same command again to complete it")
    }
  }
}
