// SPDX-License-Identifier: Apache-2.0

/// What has to change in one program so that its keys have the values wanted: a pure value, the same for every engine.
public struct ProgramPlan: Hashable, Sendable {
  /// The kernel's id of the program as it runs now.
  public let programID: UInt32
  /// What the program was made from.
  public let template: ProgramTemplate
  /// The instance as it runs now.
  public let before: ProgramInstance
  /// The instance wanted.
  public let after: ProgramInstance
  /// The sites that change, in order of their place.
  public let changes: [SiteChange]

  /// Whether the program is as wanted already.
  public var changesNothing: Bool { changes.isEmpty && !needsReload }

  /// Whether it takes another program, and not only other sites: constants are part of what the kernel verified, and of a
  /// key without a branch in the kernel only the instance knows the value.
  public let needsReload: Bool

  /// One site's change, as the single 16-bit `off` replacement of the patch command.
  public struct SiteChange: Hashable, Sendable {
    /// The site.
    public let site: BranchSite
    /// The state it is in.
    public let from: BranchState
    /// The state it gets.
    public let to: BranchState

    /// The `off` the branch has now: its target's, or 0 for a nop.
    public var expectedOff: Int16 { from == .jump ? site.jumpOffset : 0 }
    /// The `off` it gets.
    public var newOff: Int16 { to == .jump ? site.jumpOffset : 0 }

    /// The change that takes this one back.
    public var reversed: SiteChange { SiteChange(site: site, from: to, to: from) }
  }

  /// The plan for one program.
  ///
  /// Keys in `wanted` that the program does not have are none of its business.
  /// - Parameters:
  ///   - states: the state of each site now, by its place.
  ///   - immediates: constants that get another value.
  ///   - maps: which map takes which one's slots.
  public init(
    programID: UInt32, template: ProgramTemplate, instance: ProgramInstance, states: SiteStates, wanted: KeyValues,
    immediates: ImmediateValues = [:], maps: [UInt32: UInt32] = [:]
  ) {
    var after = instance
    for (name, bits) in immediates where instance.immediates[name] != nil { after.immediates[name] = bits }
    after.mapIDs = instance.mapIDs.map { maps[$0] ?? $0 }
    for (key, value) in wanted where instance.values[key] != nil { after.values[key] = value }
    let changes: [SiteChange] = template.sites.compactMap { site in
      guard let value = wanted[site.key], let from = states[site.insn] else { return nil }
      // In native form a site whose two arms are one is no branch of the kernel's.
      if instance.form == .native, site.jumpOffset == 0 { return nil }
      let to = site.branch.layout.state(enabled: value)
      return from == to ? nil : SiteChange(site: site, from: from, to: to)
    }
    let changed = Set(changes.map(\.site.key))
    let unseen = after.values.contains { key, value in instance.values[key] != value && !changed.contains(key) }
    needsReload =
      instance.mapIDs != after.mapIDs || instance.immediates != after.immediates || instance.form == .native && unseen
    self.changes = changes
    self.programID = programID
    self.template = template
    before = instance
    self.after = after
  }
}

/// The state of each site of a program, by the place of its branch.
public typealias SiteStates = [InsnOffset: BranchState]

extension ProgramTemplate {
  /// The states that sites have under these values.
  public func states(under values: KeyValues) -> SiteStates {
    SiteStates(
      sites.map { ($0.insn, $0.branch.layout.state(enabled: values[$0.key] ?? $0.branch.defaultValue)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The values of the keys whose sites are in these states; a key whose sites disagree is left out.
  public func values(in states: SiteStates) -> KeyValues {
    var values: [KeyName: Set<Bool>] = [:]
    for site in sites {
      if let state = states[site.insn] { values[site.key, default: []].insert(site.branch.layout.enabled(in: state)) }
    }
    return values.compactMapValues { $0.count == 1 ? $0.first : nil }
  }
}
