// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Prepared steps of several programs and maps, put in force all or none.
struct Transaction {
  let steps: [any TransactionStep]
  let system: BPFSystem

  /// Puts the steps in force in their order; when one fails, all are taken back.
  ///
  /// - Throws: the failure; `.partlyApplied`, which names what could not be taken back and so stands.
  func commit() throws(StaticKeysError) {
    let counter = ProgressCounter(.replacing, of: steps.count, on: system)
    var begun: [any TransactionStep] = []
    for step in steps {
      begun.append(step)
      do throws(StaticKeysError) {
        try step.commit()
        counter.step()
      } catch {
        try revert(begun, because: error)
        throw error
      }
    }
  }

  private func revert(_ begun: [any TransactionStep], because cause: StaticKeysError) throws(StaticKeysError) {
    var stuck: [StaticKeysError] = []
    for step in begun.reversed() {
      do throws(StaticKeysError) { try step.revert() } catch { stuck.append(error) }
    }
    let standing = begun.flatMap(\.standing)
    guard let why = StaticKeysError(all: stuck), !standing.isEmpty else { return }
    throw StaticKeysError(
      .partlyApplied,
      "\(cause); and this could not be taken back: \(standing.joined(separator: ", ")) (\(why)); all else is as it was",
      errno: cause.errno, advice: "run the same command again to complete it")
  }
}
