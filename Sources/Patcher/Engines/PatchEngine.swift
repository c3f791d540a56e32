// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import Synchronization
import SystemPackage

/// The engine for kernels with the proposed interface: one command per program flips all of its sites, in place.
///
/// The program, its id and whatever it hangs on stay as they are, and nothing is verified again: the kernel verified both
/// arms of every site when it loaded the program.
struct PatchEngine: Engine {
  let system: BPFSystem
  let interface: StaticBranchInterface

  var kind: EngineKind { .patch }

  func prepare(_ work: ProgramWork) throws(StaticKeysError) -> any PreparedChange {
    let program = work.program
    do throws(Errno) {
      if let fd = try system.object(.program, id: program.id) {
        return PatchedProgram(engine: self, program: program, fd: fd, changes: work.plan.changes)
      }
    } catch {
      throw .kernel(error, "cannot open the program", at: program.place, needs: [.sysAdmin])
    }
    throw StaticKeysError(.changedMeanwhile, "it is gone", at: program.place, advice: "run the command again")
  }
}

/// Changes of one program's sites, each with the value that the kernel must still have.
private final class PatchedProgram: PreparedChange {
  private let engine: PatchEngine
  private let program: ManagedProgram
  private let fd: SharedFD
  private let changes: [ProgramPlan.SiteChange]
  private let isInForce = Mutex(false)

  init(engine: PatchEngine, program: ManagedProgram, fd: SharedFD, changes: [ProgramPlan.SiteChange]) {
    self.engine = engine
    self.program = program
    self.fd = fd
    self.changes = changes
  }

  var programID: UInt32 { program.id }
  var places: [String] { ["in place"] }

  func commit() throws(StaticKeysError) {
    try update(changes)
    isInForce.withLock { $0 = true }
  }

  func revert() throws(StaticKeysError) {
    guard isInForce.withLock({ $0 }) else { return }
    try update(changes.map(\.reversed))
    isInForce.withLock { $0 = false }
  }

  var standing: [String] { isInForce.withLock { $0 } ? ["\(program.qualifiedName) (program \(program.id))"] : [] }

  private func update(_ changes: [ProgramPlan.SiteChange]) throws(StaticKeysError) {
    do throws(BPFSystem.BranchFailure) {
      try engine.system.updateBranches(changes, of: fd, through: engine.interface)
    } catch {
      let place = error.index.map { changes[$0].site.place.completed(by: program.place) } ?? program.place
      guard error.errno != .resourceBusy else {
        throw StaticKeysError(
          .changedMeanwhile, "another writer has changed the site", at: place, errno: error.errno.rawValue,
          advice: "run the command again")
      }
      throw .kernel(error.errno, "the kernel refuses the change", at: place, needs: [.bpf, .netAdmin, .perfmon])
    }
  }
}
