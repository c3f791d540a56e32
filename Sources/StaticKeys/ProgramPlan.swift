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
  }

  /// The plan for one program, or nil where its keys have those values already.
  ///
  /// Keys in `wanted` that the program does not have are none of its business.
  public init?(programID: UInt32, template: ProgramTemplate, instance: ProgramInstance, wanted: KeyValues) {
    var after = instance
    for (key, value) in wanted where instance.values[key] != nil { after.values[key] = value }
    guard after.values != instance.values else { return nil }
    self.programID = programID
    self.template = template
    before = instance
    self.after = after
    changes = template.sites.compactMap { site in
      guard let old = instance.values[site.key], let new = after.values[site.key], old != new else { return nil }
      let layout = site.branch.layout
      return SiteChange(site: site, from: layout.state(enabled: old), to: layout.state(enabled: new))
    }
  }
}
