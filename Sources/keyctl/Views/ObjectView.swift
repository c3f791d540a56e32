// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import StaticKeys

/// What `inspect` tells about an object.
struct ObjectView: Encodable {
  let object: String
  let byteOrder: String
  let license: OrNull<String>
  let annotated: OrNull<Bool>
  let keys: [Key]
  let sites: [Site]
  let immediates: [Immediate]

  /// An instruction that holds a constant's value.
  struct Immediate: Encodable {
    let constant: String
    let function: String
    let section: String
    let insn: UInt32
    let type: String
    let value: ValueJSON
  }

  struct Key: Encodable {
    let key: String
    let `default`: Bool
    let sites: Int
  }

  struct Site: Encodable {
    let key: String
    let function: String
    let section: String
    let insn: UInt32
    let target: UInt32
    let likely: Bool
    let state: String
  }

  init(_ summary: ObjectSummary) {
    object = summary.name
    byteOrder = summary.byteOrder == .little ? "little" : "big"
    license = OrNull(summary.license)
    annotated = OrNull(summary.isAnnotated)
    keys = summary.keys.map {
      Key(key: $0.name.rawValue, default: $0.defaultValue, sites: summary.sites(of: $0.name).count)
    }
    sites = summary.sites.map {
      Site(
        key: $0.branch.key.rawValue, function: $0.function.name, section: $0.function.section,
        insn: $0.branch.insn.rawValue, target: $0.branch.target.rawValue, likely: $0.branch.layout == .likely,
        state: $0.state.rawValue)
    }
    immediates = summary.immediates.map { place in
      let immediate = place.immediate
      let type = summary.constantTypes[immediate.name] ?? immediate.plainType
      let name = immediate.name.rawValue
      let value = ValueLocation(whole: type, named: name).value(in: immediate.bytes(of: immediate.defaultValue))
      return Immediate(
        constant: name, function: place.function.name, section: place.function.section,
        insn: immediate.insn.rawValue, type: type.declaration(of: name), value: ValueJSON(value))
    }
  }

  var lines: [String] {
    let btf = annotated.value.map { $0 ? "its BTF describes the sites" : "its BTF does not describe the sites" }
    let head =
      "\(object): \(byteOrder) endian, license \(license.value ?? "none"), \(btf ?? "no BTF")"
    let keyTable = TextTable(
      "KEY", "DEFAULT", "SITES", rows: keys.map { [$0.key, $0.default ? "on" : "off", String($0.sites)] })
    let siteTable = TextTable(
      "FUNCTION", "SECTION", "INSN", "TARGET", "KEY", "LIKELY", "STATE",
      rows: sites.map {
        [
          $0.function, $0.section, String($0.insn), String($0.target), $0.key, $0.likely ? "likely" : "unlikely",
          $0.state,
        ]
      })
    let immediateTable = TextTable(
      "FUNCTION", "SECTION", "INSN", "CONSTANT", "VALUE",
      rows: immediates.map { [$0.function, $0.section, String($0.insn), $0.type, $0.value.value.description] })
    return [head] + (keys.isEmpty ? ["no keys"] : keyTable.lines) + (sites.isEmpty ? [] : siteTable.lines)
      + (immediates.isEmpty ? [] : immediateTable.lines)
  }
}
