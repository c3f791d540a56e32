// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

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
  /// Loads programs in the form whose sites this engine flips.
  ///
  /// Where `auto` meets a kernel that refuses their native form, they are loaded anew in pair form, and the result says
  /// why: in native form both arms of a site are verified, and some architectures do not have it.
  /// - Throws: `.unsupported` where `patch` is wanted and the kernel cannot; what `load` throws.
  func load(
    _ load: (SiteForm) throws(StaticKeysError) -> LoadedObject
  ) throws(StaticKeysError) -> LoadedObject {
    let form = try form()
    do throws(StaticKeysError) {
      return try load(form)
    } catch {
      guard self == .auto, form == .native, error.refusesPrograms else { throw error }
      var loaded = try load(.pair)
      loaded.nativeRefusal = error
      return loaded
    }
  }

  private func form() throws(StaticKeysError) -> SiteForm {
    if self == .reload { return .pair }
    if StaticBranchInterface.current != nil { return .native }
    guard self == .auto else {
      throw StaticKeysError(
        .unsupported, "this kernel has no BPF_STATIC_BRANCH_UPDATE", advice: "use --engine reload")
    }
    return .pair
  }
}

extension StaticKeysError {
  /// Whether the kernel says of a program that it does not take it as it is.
  fileprivate var refusesPrograms: Bool { code == .verifier || errno == Errno.notSupportedOnSocket.rawValue }
}

extension ProgramInstance {
  /// The engine that flips the program's keys where none is asked for.
  public var engine: EngineKind { form == .native && StaticBranchInterface.current != nil ? .patch : .reload }
}
