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

  init(_ status: KeyStatus) {
    collection = status.collection
    key = status.key.name.rawValue
    state = status.state.rawValue
    self.default = OrNull(ValueJSON(.boolean(status.key.defaultValue)))
    programs = status.programs.map(ProgramView.init)
    sites = status.sites.count
    kind = ValueKind.key.rawValue
    type = "static key \(key)"
  }

  init(_ status: ValueStatus) throws(StaticKeysError) {
    collection = status.collection
    key = status.variable
    state =
      status.type.isBoolean
      ? status.switchState.rawValue
      : try status.value(limit: 256)?.compact ?? KeyStatus.State.mixed.rawValue
    self.default = OrNull(status.defaultValue.map(ValueJSON.init))
    programs = status.programs.map(ProgramView.init)
    sites = status.places.count
    kind = status.kind.rawValue
    type = status.type.declaration(of: status.variable)
  }

  /// How many instances have the key.
  var instances: Int { Set(programs.compactMap(\.instance.value)).count }

  /// A row of `list`; the state comes right after the key, for grep and awk.
  var row: [String] {
    [
      collection, key, Self.shortened(state), defaultText, String(programs.count), String(sites), kind,
      String(instances),
    ]
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

/// A running program.
struct ProgramView: Encodable {
  let id: UInt32
  let instance: OrNull<String>
  let name: String
  let tag: String

  init(_ program: ManagedProgram) {
    id = program.id
    instance = OrNull(program.instance.name)
    name = program.name
    tag = program.tag
  }
}
