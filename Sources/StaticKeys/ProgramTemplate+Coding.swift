// SPDX-License-Identifier: Apache-2.0

/// The bytes of a template map (`skey_template`).
extension ProgramTemplate {
  /// The template in the frame of `Envelope`.
  public func encoded() -> [UInt8] {
    var out = ByteWriter()
    out.write(name)
    for field in [type, expectedAttachType, flags, kernelVersion, attachBTFID] { out.write(field) }
    out.write(license)
    out.write(counted: instructions.flatMap { $0.bytes(order: .little) })
    for records in [functionInfo, lineInfo] {
      out.write(UInt32(truncatingIfNeeded: records.size))
      out.write(counted: records.bytes)
    }
    out.write(UInt32(truncatingIfNeeded: mapSlots))
    out.write(UInt32(truncatingIfNeeded: sites.count))
    for site in sites {
      out.write(site.function)
      out.write(site.functionStart.rawValue)
      out.write(site.branch.tag)
    }
    out.write(UInt32(truncatingIfNeeded: immediates.count))
    for site in immediates {
      out.write(site.function)
      out.write(site.functionStart.rawValue)
      out.write(site.immediate.tag)
    }
    return Envelope.template.wrap(out.bytes)
  }

  /// The template in these bytes.
  ///
  /// - Throws: `.futureVersion`, or `.corruptedTemplate` for whatever does not fit together.
  public init(decoding bytes: [UInt8]) throws(StaticKeysError) {
    var reader = ByteReader(try Envelope.template.unwrap(bytes))
    let name = try reader.readString()
    let type: UInt32 = try reader.read()
    let expectedAttachType: UInt32 = try reader.read()
    let flags: UInt32 = try reader.read()
    let kernelVersion: UInt32 = try reader.read()
    let attachBTFID: UInt32 = try reader.read()
    let license = try reader.readString()
    let instructions = try Self.readInstructions(&reader)
    let functionInfo = InfoRecords(size: Int(try reader.read(UInt32.self)), bytes: try reader.readCounted())
    let lineInfo = InfoRecords(size: Int(try reader.read(UInt32.self)), bytes: try reader.readCounted())
    let mapSlots = Int(try reader.read(UInt32.self))
    var sites: [BranchSite] = []
    for _ in 0..<(try reader.readCount(ofSize: 12)) { sites.append(try Self.readSite(&reader)) }
    var immediates: [ImmediateSite] = []
    for _ in 0..<(try reader.readCount(ofSize: 12)) { immediates.append(try Self.readImmediate(&reader)) }
    guard reader.isAtEnd else { throw StaticKeysError(.corruptedTemplate, "goes on after its end") }
    self.init(
      name: name, type: type, expectedAttachType: expectedAttachType, flags: flags, kernelVersion: kernelVersion,
      attachBTFID: attachBTFID, license: license, instructions: instructions, functionInfo: functionInfo,
      lineInfo: lineInfo, mapSlots: mapSlots, sites: sites, immediates: immediates)
    try validate()
  }

  private static func readInstructions(_ reader: inout ByteReader) throws(StaticKeysError) -> [Instruction] {
    let bytes = try reader.readCounted()
    guard bytes.count % Instruction.size == 0 else {
      throw StaticKeysError(.corruptedTemplate, "ends in the middle of an instruction")
    }
    return stride(from: 0, to: bytes.count, by: Instruction.size).compactMap {
      Instruction(bytes: bytes[$0..<$0 + Instruction.size], order: .little)
    }
  }

  private static func readSite(_ reader: inout ByteReader) throws(StaticKeysError) -> BranchSite {
    let function = try reader.readString()
    let start = InsnOffset(try reader.read())
    let tag = try reader.readString()
    guard let branch = StaticBranch(tag: tag),
      let site = BranchSite(branch: branch, function: function, functionStart: start)
    else { throw StaticKeysError(.corruptedTemplate, "holds no site in '\(tag)'", at: Place(function: function)) }
    return site
  }

  private static func readImmediate(_ reader: inout ByteReader) throws(StaticKeysError) -> ImmediateSite {
    let function = try reader.readString()
    let start = InsnOffset(try reader.read())
    let tag = try reader.readString()
    guard let immediate = StaticImmediate(tag: tag),
      let site = ImmediateSite(immediate: immediate, function: function, functionStart: start)
    else { throw StaticKeysError(.corruptedTemplate, "holds no constant in '\(tag)'", at: Place(function: function)) }
    return site
  }
}
