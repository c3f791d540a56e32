// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys

/// A value in `show`.
struct ValueDetails: Encodable {
  let collection: String
  let key: String
  let kind: String
  /// As in `list`.
  let state: String
  let type: String
  /// Null where it is not the same in all programs.
  let value: OrNull<ValueJSON>
  let `default`: OrNull<ValueJSON>
  /// The section and the byte in it, or "immediate".
  let origin: String
  let programs: [ProgramView]
  /// Only keys have some.
  let sites: [SiteView] = []
  let places: [Place]

  private enum CodingKeys: CodingKey {
    case collection, key, kind, state, type, value, `default`, origin, programs, sites, places
  }

  /// An instruction that holds the value.
  struct Place: Encodable {
    let programId: UInt32
    let program: String
    let function: String
    let insn: UInt32
    let programInsn: UInt32
    let source: OrNull<SourceView>
  }

  init(_ status: ValueStatus, attachments: AttachmentIndex, lines: SourceLines) throws(StaticKeysError) {
    collection = status.collection
    key = status.variable
    kind = status.kind.rawValue
    state = try KeyView(status).state
    type = try status.declaration()
    value = OrNull(try status.value().map(ValueJSON.init))
    self.default = OrNull(status.defaultValue.map(ValueJSON.init))
    origin = status.origin
    programs = status.programs.map { ProgramView($0, attachments: attachments) }
    places = status.places.map { program, site in
      Place(
        programId: program.id, program: program.name, function: site.function, insn: site.immediate.insn.rawValue,
        programInsn: site.insn.rawValue,
        source: OrNull(lines.line(at: site.insn, in: program.id).map(SourceView.init)))
    }
  }

  var lines: [String] {
    let now = value.value?.value.description ?? "<mixed>"
    let written = self.default.value.map { "default \($0.value), " } ?? ""
    let extent = [counted(programs.count, "program")] + (places.isEmpty ? [] : [counted(places.count, "place")])
    let head = "\(collection)/\(key): \(now) (\(kind) \(type), \(written)\(extent.joined(separator: ", ")))"
    let table = TextTable("PROGRAM", "FUNCTION", "INSN", "SOURCE", rows: places.map(\.row))
    return [head] + programs.map(\.line) + (places.isEmpty ? [] : table.lines.map { "  \($0)" })
  }
}

extension ValueDetails.Place {
  fileprivate var row: [String] {
    [
      String(programId), function, String(insn),
      source.value.map { "\($0.fileName):\($0.line): \($0.text)" } ?? "-",
    ]
  }
}

/// A key or a value in `show`.
enum Details: Encodable {
  case key(KeyDetails)
  case value(ValueDetails)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .key(let details): try details.encode(to: encoder)
    case .value(let details): try details.encode(to: encoder)
    }
  }

  var lines: [String] {
    switch self {
    case .key(let details): details.lines
    case .value(let details): details.lines
    }
  }
}
