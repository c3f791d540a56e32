// SPDX-License-Identifier: Apache-2.0

/// One loaded program made from a template: to which collection it belongs, its maps and the values of its keys.
public struct ProgramInstance: Hashable, Sendable {
  /// The name under which the object was loaded.
  public var collection: String
  /// The kernel's map id for each of the template's slots.
  public var mapIDs: [UInt32]
  /// How its sites are written.
  public var form: SiteForm
  /// The value that each of the template's keys had when the program was loaded; in pair form it cannot have changed.
  public var values: KeyValues

  /// An instance from its parts.
  public init(collection: String, mapIDs: [UInt32], values: KeyValues, form: SiteForm = .pair) {
    self.form = form
    self.collection = collection
    self.mapIDs = mapIDs
    self.values = values
  }

  /// The bytes of an instance map (`skey_instance`).
  public func encoded() -> [UInt8] {
    var out = ByteWriter()
    out.write(collection)
    out.write(form.rawValue)
    out.write(UInt32(truncatingIfNeeded: mapIDs.count))
    for id in mapIDs { out.write(id) }
    out.write(UInt32(truncatingIfNeeded: values.count))
    for (key, enabled) in values.sorted(by: { $0.key < $1.key }) {
      out.write(key.rawValue)
      out.write(enabled)
    }
    return Envelope.instance.wrap(out.bytes)
  }

  /// The instance in these bytes, which must fit `template`.
  ///
  /// - Throws: `.futureVersion`, or `.corruptedTemplate` for whatever does not fit together.
  public init(decoding bytes: [UInt8], for template: ProgramTemplate) throws(StaticKeysError) {
    var reader = ByteReader(try Envelope.instance.unwrap(bytes))
    collection = try reader.readString()
    let rawForm = try reader.read(UInt8.self)
    guard let form = SiteForm(rawValue: rawForm) else {
      throw StaticKeysError(.corruptedTemplate, "its sites have the unknown form \(rawForm)")
    }
    self.form = form
    mapIDs = []
    for _ in 0..<(try reader.readCount(ofSize: 4)) { mapIDs.append(try reader.read()) }
    values = [:]
    for _ in 0..<(try reader.readCount(ofSize: 5)) {
      let name = try reader.readString()
      guard let key = KeyName(name) else { throw StaticKeysError(.corruptedTemplate, "'\(name)' is no key's name") }
      guard values.updateValue(try reader.readBool(), forKey: key) == nil else {
        throw StaticKeysError(.corruptedTemplate, "names the key \(name) twice")
      }
    }
    guard reader.isAtEnd else { throw StaticKeysError(.corruptedTemplate, "goes on after its end") }
    guard mapIDs.count == template.mapSlots, Set(values.keys) == Set(template.keys.map(\.name)) else {
      throw StaticKeysError(
        .corruptedTemplate, "the instance does not fit its template", at: Place(program: template.name))
    }
  }
}
