// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Which engine changes which program: what the user wants, what the kernel has, and how the program was loaded.
struct EngineSelection {
  private let reload: ReloadEngine
  private let system: BPFSystem
  private let choice: EngineChoice

  init(system: BPFSystem, attachments: LazyAttachments, choice: EngineChoice) {
    reload = ReloadEngine(system: system, attachments: attachments)
    self.system = system
    self.choice = choice
  }

  /// The engine for a program's change.
  ///
  /// - Throws: `.unsupported` where `patch` is wanted and cannot be.
  func engine(for work: ProgramWork) throws(StaticKeysError) -> any Engine {
    let program = work.program
    guard !work.plan.needsReload else {
      guard choice != .patch else {
        throw StaticKeysError(
          .unsupported, "what is to change is part of what the kernel verified, and changes only by a reload",
          at: program.place, advice: "use --engine auto or reload")
      }
      return reload
    }
    // In this order, so that the kernel's BTF is read only where the answer depends on it.
    if choice == .reload || choice == .auto && program.instance.form == .pair { return reload }
    guard let interface = StaticBranchInterface.current else {
      if choice == .auto { return reload }
      throw StaticKeysError(
        .unsupported, "this kernel has no BPF_STATIC_BRANCH_UPDATE", at: program.place, advice: "use --engine reload")
    }
    guard program.instance.form == .native else {
      throw StaticKeysError(
        .unsupported, "it was loaded in a form that only a reload can change", at: program.place,
        advice: "load it again, or use --engine reload")
    }
    return PatchEngine(system: system, interface: interface)
  }
}

extension EngineChoice {
  /// The form in which a program is to be loaded.
  ///
  /// - Throws: `.unsupported` where `patch` is wanted and the kernel cannot.
  func form() throws(StaticKeysError) -> SiteForm {
    if self == .reload { return .pair }
    if StaticBranchInterface.current != nil { return .native }
    guard self == .auto else {
      throw StaticKeysError(
        .unsupported, "this kernel has no BPF_STATIC_BRANCH_UPDATE", advice: "use --engine reload")
    }
    return .pair
  }
}
