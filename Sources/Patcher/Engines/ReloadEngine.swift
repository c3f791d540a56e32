// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// The engine for stock kernels: loads the template with its sites rewritten, and puts the new program wherever the old
/// one hangs. Requires Linux 5.10.
struct ReloadEngine: Engine {
  let system: BPFSystem
  let attachments: LazyAttachments

  var kind: EngineKind { .reload }

  func prepare(_ work: ProgramWork) throws(StaticKeysError) -> any PreparedChange {
    var held: [ProgramSwap.HeldPlace] = []
    for program in work.replaced {
      held += try ProgramSwap.places(of: program, attachments: attachments.index(), system: system)
    }
    guard !held.isEmpty else {
      throw StaticKeysError(
        .unsupported, "nothing that keyctl can replace a program on holds it", at: work.program.place,
        advice: "attach it by a link, or pin it")
    }
    return ProgramSwap(of: work.program.qualifiedName, new: try newProgram(for: work), places: held)
  }

  private func newProgram(for work: ProgramWork) throws(StaticKeysError) -> ProgramHandle {
    guard let standing = work.standing else {
      return try VariantLoader(system: system).load(work.plan.after, of: work.program, template: work.plan.template)
    }
    return try ProgramHandle(of: standing, system: system)
  }
}
