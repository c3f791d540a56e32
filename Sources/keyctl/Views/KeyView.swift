// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// A key or another value in `list`.
struct KeyView: Encodable {
  let collection: String
  let key: String
  /// Of what is no switch: its value as a text.
  let state: String
  /// Null where it is not known.
  let `default`: OrNull<ValueJSON>
  let programs: [ProgramView]
  let sites: Int
  let kind: String
  let type: String
  private let hangsOn: [[String]]

  private enum CodingKeys: CodingKey {
    case collection, key, state, `default`, programs, sites, kind, type
  }

  /// - Parameter attachments: where the programs hang, if that is to be told.
  init(_ status: KeyStatus, attachments: AttachmentIndex? = nil) {
    collection = status.collection
    key = status.key.name.rawValue
    state = status.state.rawValue
    self.default = OrNull(status.defaultValue.map { ValueJSON(.boolean($0)) })
    programs = status.programs.map { ProgramView($0, attachments: attachments) }
    hangsOn = status.programs.map { attachments?.kinds(ofProgram: $0.id) ?? [] }
    sites = status.sites.count
    kind = ValueKind.key.rawValue
    type = "static key \(key)"
  }

  /// As for a key.
  init(_ status: ValueStatus, attachments: AttachmentIndex? = nil) throws(StaticKeysError) {
    collection = status.collection
    key = status.variable
    state =
      status.type.isBoolean
      ? status.switchState.rawValue
      : try status.value(limit: 256)?.compact ?? KeyStatus.State.mixed.rawValue
    self.default = OrNull(status.defaultValue.map(ValueJSON.init))
    programs = status.programs.map { ProgramView($0, attachments: attachments) }
    hangsOn = status.programs.map { attachments?.kinds(ofProgram: $0.id) ?? [] }
    sites = status.places.count
    kind = status.kind.rawValue
    type = try status.declaration()
  }

  /// Either of them.
  init(_ match: ValueMatch, attachments: AttachmentIndex? = nil) throws(StaticKeysError) {
    switch match {
    case .key(let key): self.init(key, attachments: attachments)
    case .value(let value, _): try self.init(value, attachments: attachments)
    }
  }

  /// How many instances have the key.
  var instances: Int { Set(programs.compactMap(\.instance.value)).count }

  /// A row of `list`; the state comes right after the key, for grep and awk, and last what may have spaces in it.
  func row(withInstances: Bool) -> [String] {
    [collection, key, Self.shortened(state), defaultText, String(programs.count), String(sites), kind]
      + (withInstances ? [String(instances)] : []) + [hangsOnText]
  }

  /// "xdp link + pin" for programs that hang so, and ", pin" for others that are only pinned.
  private var hangsOnText: String {
    let texts = hangsOn.map { $0.isEmpty ? "nothing" : $0.joined(separator: " + ") }
    return texts.reduce(into: []) { all, text in if !all.contains(text) { all.append(text) } }.joined(separator: ", ")
  }

  private var defaultText: String {
    switch self.default.value?.value {
    case .boolean(let isOn)?: isOn ? "on" : "off"
    case let value?: Self.shortened(value.compact)
    case nil: "-"
    }
  }

  /// Long values are for `get`.
  private static func shortened(_ text: String) -> String {
    text.count <= 32 ? text : text.prefix(31) + "…"
  }
}

extension ValueStatus {
  /// The instructions that hold it: those of an immediate.
  var places: [(program: ManagedProgram, site: ImmediateSite)] {
    guard kind == .immediate else { return [] }
    return programs.flatMap { program in
      program.template.immediates.filter { $0.name.rawValue == variable }.map { (program, $0) }
    }
  }
}

/// A running program, and where it hangs if that is asked for.
struct ProgramView: Encodable {
  let id: UInt32
  let instance: OrNull<String>
  let name: String
  let tag: String
  let attachments: [String]?
  /// The one that flips its keys where none is asked for.
  let engine: String

  init(_ program: ManagedProgram, attachments: AttachmentIndex? = nil) {
    id = program.id
    instance = OrNull(program.instance.name)
    name = program.name
    tag = program.tag
    self.attachments = attachments?.attachments(ofProgram: program.id).map(\.description)
    engine = program.instance.engine.rawValue
  }

  var line: String {
    let hooks = attachments.map { $0.isEmpty ? "hangs on nothing that is seen" : $0.joined(separator: ", ") } ?? ""
    let way = engine == EngineKind.patch.rawValue ? "; flipped in place" : ""
    return "  program \(id) \(name)\(instance.value.map { " of instance \($0)" } ?? ""): \(hooks)\(way)"
  }
}
