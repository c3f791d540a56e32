// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// A key in `list`.
struct KeyView: Encodable {
  let collection: String
  let key: String
  let state: String
  let `default`: Bool
  let programs: [ProgramView]
  let sites: Int

  init(_ status: KeyStatus) {
    collection = status.collection
    key = status.key.name.rawValue
    state = status.state.rawValue
    self.default = status.key.defaultValue
    programs = status.programs.map(ProgramView.init)
    sites = status.sites.count
  }

  /// A row of `list`; the state comes right after the key, for grep and awk.
  var row: [String] {
    [collection, key, state, self.default ? "on" : "off", String(programs.count), String(sites)]
  }
}

/// A running program.
struct ProgramView: Encodable {
  let id: UInt32
  let name: String
  let tag: String

  init(_ program: ManagedProgram) {
    id = program.id
    name = program.name
    tag = program.tag
  }
}
