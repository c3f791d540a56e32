// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// A value in `get`.
struct ValueView: Encodable {
  let collection: String
  let name: String
  let kind: String
  /// How C declares it.
  let type: String
  /// Null where it is not the same in all programs.
  let value: OrNull<ValueJSON>
  /// The same as `set` takes it.
  let text: OrNull<String>
  let programs: [ProgramView]

  init(_ match: ValueMatch) throws(StaticKeysError) {
    switch match {
    case .key(let key): self.init(key)
    case .value(let value, let path): try self.init(value, at: path)
    }
  }

  init(_ key: KeyStatus) {
    collection = key.collection
    name = key.key.name.rawValue
    kind = ValueKind.key.rawValue
    type = "static key \(name)"
    value = OrNull(key.state == .mixed ? nil : ValueJSON(.boolean(key.state == .on)))
    text = OrNull(key.state == .mixed ? nil : key.state.rawValue)
    programs = key.programs.map { ProgramView($0) }
  }

  init(_ status: ValueStatus, at path: ValuePath = .whole) throws(StaticKeysError) {
    let now = try status.value(at: path)
    collection = status.collection
    name = "\(status.variable)\(path)"
    kind = status.kind.rawValue
    type = try status.declaration(at: path)
    value = OrNull(now.map(ValueJSON.init))
    text = OrNull(now?.description)
    programs = status.programs.map { ProgramView($0) }
  }

  /// The value for people; what is different in several programs has none.
  var shown: String { text.value ?? "<mixed>" }

  var line: String { "\(collection)/\(name)=\(shown)" }
}

/// A value in JSON: numbers, truth values, strings, arrays and objects as C has them.
struct ValueJSON: Encodable {
  let value: DecodedValue

  init(_ value: DecodedValue) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch value {
    case .integer(let isNegative, let magnitude):
      if let number = UInt64(exactly: magnitude), !isNegative {
        try container.encode(number)
      } else if isNegative, magnitude <= 1 << 63 {
        try container.encode(Int64(truncatingIfNeeded: 0 &- magnitude))
      } else {
        try container.encode(value.description)
      }
    case .boolean(let isOn): try container.encode(isOn)
    case .enumerator(let name): try container.encode(name)
    case .character(let byte): try container.encode(Int8(bitPattern: byte))
    case .text(let bytes): try container.encode(String(decoding: bytes, as: UTF8.self))
    case .array(let values): try container.encode(values.map(ValueJSON.init))
    case .structure(let fields):
      // A dictionary, whose keys the encoder leaves as they are.
      try container.encode(Dictionary(fields.map { ($0.name, ValueJSON($0.value)) }) { first, _ in first })
    case .floating(let number) where number.isFinite: try container.encode(number)
    case .address, .floating, .bytes, .elided: try container.encode(value.description)
    }
  }
}
