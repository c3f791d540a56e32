// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// Which engine changes which program: what the user wants, what the kernel has, and how the program was loaded.
struct EngineSelection {
  private let reload: ReloadEngine
  private let patch: PatchEngine?
  private let choice: EngineChoice

  init(system: BPFSystem, attachments: AttachmentIndex, choice: EngineChoice) {
    reload = ReloadEngine(system: system, attachments: attachments)
    patch = StaticBranchInterface.current.map { PatchEngine(system: system, interface: $0) }
    self.choice = choice
  }

  /// The engine for a program.
  ///
  /// - Throws: `.unsupported` where `patch` is wanted and cannot be.
  func engine(for program: ManagedProgram) throws(StaticKeysError) -> any Engine {
    if choice == .reload { return reload }
    if let patch, program.instance.form == .native { return patch }
    guard choice == .auto else {
      throw StaticKeysError(
        .unsupported,
        patch == nil
          ? "this kernel has no BPF_STATIC_BRANCH_UPDATE" : "it was loaded in a form that only a reload can change",
        at: program.place, advice: patch == nil ? "use --engine reload" : "load it again, or use --engine reload")
    }
    return reload
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
