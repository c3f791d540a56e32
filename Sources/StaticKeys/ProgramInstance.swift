// SPDX-License-Identifier: Apache-2.0

/// One loaded program made from a template: to which collection it belongs, its maps and the values of its keys.
public struct ProgramInstance: Hashable, Sendable {
  /// The name under which the object was loaded.
  public var collection: String
  /// Which of the collection's instances it belongs to; nil where the object was loaded just once.
  public var name: String?
  /// The kernel's map id for each of the template's slots.
  public var mapIDs: [UInt32]
  /// How its sites are written.
  public var form: SiteForm
  /// The value that each of the template's keys had when the program was loaded; in pair form it cannot have changed.
  public var values: KeyValues
  /// The value of each of the template's constants.
  public var immediates: ImmediateValues

  /// An instance from its parts.
  public init(
    collection: String, name: String? = nil, mapIDs: [UInt32], values: KeyValues, immediates: ImmediateValues = [:],
    form: SiteForm = .pair
  ) {
    self.name = name
    self.immediates = immediates
    self.form = form
    self.collection = collection
    self.mapIDs = mapIDs
    self.values = values
  }

  /// "collection", or "collection[instance]".
  public var qualifiedCollection: String { collection + (name.map { "[\($0)]" } ?? "") }

  /// The bytes of an instance map (`skey_instance`).
  public func encoded() -> [UInt8] {
    var out = ByteWriter()
    out.write(collection)
    out.write(name != nil)
    if let name { out.write(name) }
    out.write(form.rawValue)
    out.write(UInt32(truncatingIfNeeded: mapIDs.count))
    for id in mapIDs { out.write(id) }
    out.write(UInt32(truncatingIfNeeded: values.count))
    for (key, enabled) in values.sorted(by: { $0.key < $1.key }) {
      out.write(key.rawValue)
      out.write(enabled)
    }
    out.write(UInt32(truncatingIfNeeded: immediates.count))
    for (name, bits) in immediates.sorted(by: { $0.key < $1.key }) {
      out.write(name.rawValue)
      out.write(bits)
    }
    return Envelope.instance.wrap(out.bytes)
  }

  /// The instance in these bytes, which must fit `template`.
  ///
  /// - Throws: `.futureVersion`, or `.corruptedTemplate` for whatever does not fit together.
  public init(decoding bytes: [UInt8], for template: ProgramTemplate) throws(StaticKeysError) {
    var reader = ByteReader(try Envelope.instance.unwrap(bytes))
    collection = try reader.readString()
    name = try reader.readBool() ? try reader.readString() : nil
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
    immediates = [:]
    for _ in 0..<(try reader.readCount(ofSize: 12)) {
      let text = try reader.readString()
      guard let name = KeyName(text) else {
        throw StaticKeysError(.corruptedTemplate, "'\(text)' is no constant's name")
      }
      guard immediates.updateValue(try reader.read(), forKey: name) == nil else {
        throw StaticKeysError(.corruptedTemplate, "names the constant \(name) twice")
      }
    }
    guard reader.isAtEnd else { throw StaticKeysError(.corruptedTemplate, "goes on after its end") }
    guard mapIDs.count == template.mapSlots, Set(values.keys) == Set(template.keys.map(\.name)),
      Set(immediates.keys) == Set(template.immediates.map(\.name)),
      template.immediates.allSatisfy({ $0.immediate.takes(immediates[$0.name] ?? 0) })
    else {
      throw StaticKeysError(
        .corruptedTemplate, "the instance does not fit its template", at: Place(program: template.name))
    }
  }
}
