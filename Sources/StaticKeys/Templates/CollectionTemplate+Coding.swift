// SPDX-License-Identifier: Apache-2.0

/// The bytes of a template file.
extension CollectionTemplate {
  /// Whether bytes begin as a template file does.
  public static func isEncoded(_ bytes: [UInt8]) -> Bool { Envelope.collection.begins(bytes) }

  /// The template in the frame of `Envelope`.
  public func encoded() -> [UInt8] {
    var out = ByteWriter()
    out.write(object)
    out.write(byteOrder == .big)
    out.write(count: keys.count)
    for key in keys {
      out.write(key.name.rawValue)
      out.write(key.defaultValue)
    }
    out.write(counted: btf)
    Self.write(maps, to: &out)
    out.write(count: programs.count)
    for program in programs {
      out.write(program.section)
      out.write(counted: program.template.encoded())
      for indexes in [program.slots, program.tied] {
        out.write(count: indexes.count)
        for index in indexes { out.write(count: index) }
      }
    }
    out.write(binding != nil)
    if let binding {
      out.write(binding.kernel.release)
      out.write(binding.kernel.typesHash)
      out.write(count: binding.reasons.count)
      for reason in binding.reasons { out.write(reason) }
    }
    return Envelope.collection.wrap(out.bytes)
  }

  private static func write(_ maps: [MapTemplate], to out: inout ByteWriter) {
    out.write(count: maps.count)
    for map in maps {
      out.write(map.name)
      out.write(map.isSection)
      for field in [map.type, map.keySize, map.valueSize, map.maxEntries, map.flags, map.numaNode] { out.write(field) }
      out.write(map.extra)
      out.write(map.keyType)
      out.write(map.valueType)
      out.write(counted: map.content)
      out.write(map.isFrozen)
      write(map.inner, to: &out)
    }
  }

  /// The template in these bytes, which are a whole file.
  ///
  /// - Throws: `.futureVersion`, or `.corruptedTemplate` for whatever does not fit together.
  public init(decoding bytes: [UInt8]) throws(StaticKeysError) {
    let body = try Envelope.collection.unwrap(bytes)
    // Unlike a map's value, a file is as long as what was put into it.
    guard body.endIndex == bytes.endIndex else {
      throw StaticKeysError(.corruptedTemplate, "template file goes on after its end")
    }
    var reader = ByteReader(body)
    let object = try reader.readString()
    let byteOrder: ByteOrder = try reader.readBool() ? .big : .little
    var keys: [StaticKey] = []
    for _ in 0..<(try reader.readCount(ofSize: 5)) {
      let name = try reader.readString()
      guard let key = KeyName(name) else { throw StaticKeysError(.corruptedTemplate, "'\(name)' is no key's name") }
      keys.append(StaticKey(name: key, defaultValue: try reader.readBool()))
    }
    let btf = try reader.readCounted()
    let maps = try Self.readMaps(&reader, depth: 0)
    var programs: [Program] = []
    for _ in 0..<(try reader.readCount(ofSize: 16)) { programs.append(try Self.readProgram(&reader)) }
    let binding = try reader.readBool() ? try Self.readBinding(&reader) : nil
    guard reader.isAtEnd else { throw StaticKeysError(.corruptedTemplate, "goes on after its end") }
    self.init(
      object: object, byteOrder: byteOrder, keys: keys, btf: btf, maps: maps, programs: programs, binding: binding)
    try validate()
  }

  private static func readMaps(_ reader: inout ByteReader, depth: Int) throws(StaticKeysError) -> [MapTemplate] {
    // A map of maps of maps is none.
    guard depth < 3 else { throw StaticKeysError(.corruptedTemplate, "nests maps too deep") }
    var maps: [MapTemplate] = []
    for _ in 0..<(try reader.readCount(ofSize: 54)) {
      var map = MapTemplate(name: try reader.readString(), type: 0, keySize: 0, valueSize: 0, maxEntries: 0)
      map.isSection = try reader.readBool()
      map.type = try reader.read()
      map.keySize = try reader.read()
      map.valueSize = try reader.read()
      map.maxEntries = try reader.read()
      map.flags = try reader.read()
      map.numaNode = try reader.read()
      map.extra = try reader.read()
      map.keyType = try reader.read()
      map.valueType = try reader.read()
      map.content = try reader.readCounted()
      map.isFrozen = try reader.readBool()
      map.inner = try readMaps(&reader, depth: depth + 1)
      maps.append(map)
    }
    return maps
  }

  private static func readProgram(_ reader: inout ByteReader) throws(StaticKeysError) -> Program {
    let section = try reader.readString()
    let template = try ProgramTemplate(decoding: try reader.readCounted())
    var indexes: [[Int]] = [[], []]
    for part in indexes.indices {
      for _ in 0..<(try reader.readCount(ofSize: 4)) { indexes[part].append(Int(try reader.read(UInt32.self))) }
    }
    return Program(section: section, template: template, slots: indexes[0], tied: indexes[1])
  }

  private static func readBinding(_ reader: inout ByteReader) throws(StaticKeysError) -> KernelBinding {
    let kernel = KernelIdentity(release: try reader.readString(), typesHash: try reader.read())
    var reasons: [String] = []
    for _ in 0..<(try reader.readCount(ofSize: 4)) { reasons.append(try reader.readString()) }
    return KernelBinding(kernel: kernel, reasons: reasons)
  }
}
