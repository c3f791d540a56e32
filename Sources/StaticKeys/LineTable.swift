// SPDX-License-Identifier: Apache-2.0

/// A line of C that an instruction was made from.
public struct SourceLine: Hashable, Sendable, CustomStringConvertible {
  /// The file, as the compiler named it.
  public let file: String
  /// Counted from 1.
  public let line: UInt32
  /// Counted from 1; 0 where the compiler did not tell.
  public let column: UInt32
  /// The text of the line.
  public let text: String

  /// "file.c:12", with the file's last component only.
  public var description: String { "\(file.split(separator: "/").last.map(String.init) ?? file):\(line)" }
}

/// Which line of C each instruction came from: `struct bpf_line_info` records with their BTF strings.
public struct LineTable: Sendable {
  private let entries: [(insn: InsnOffset, line: SourceLine)]

  /// Reads records in the machine's byte order; those whose strings cannot be found are left out.
  ///
  /// - Parameter string: the BTF string at an offset.
  public init(_ records: ProgramTemplate.InfoRecords, string: (UInt32) -> String?) {
    var entries: [(insn: InsnOffset, line: SourceLine)] = []
    for index in 0..<records.count where records.size >= 16 {
      let fields = records.words(ofRecord: index, count: 4)
      guard fields.count == 4, let file = string(fields[1]), let text = string(fields[2]) else { continue }
      let line = SourceLine(
        file: file, line: fields[3] >> 10, column: fields[3] & 0x3ff,
        text: String(text.drop { $0 == " " || $0 == "\t" }))
      entries.append((InsnOffset(fields[0]), line))
    }
    self.entries = entries.sorted { $0.insn < $1.insn }
  }

  /// The line that an instruction belongs to: that of the last record at or before it.
  public func line(at insn: InsnOffset) -> SourceLine? { entries.last { $0.insn <= insn }?.line }

  /// The line that starts exactly at an instruction.
  public func line(startingAt insn: InsnOffset) -> SourceLine? { entries.first { $0.insn == insn }?.line }
}

extension ProgramTemplate.InfoRecords {
  /// The first `count` 32-bit fields of a record, in the machine's byte order.
  public func words(ofRecord index: Int, count: Int) -> [UInt32] {
    guard index >= 0, index < self.count, count * 4 <= size else { return [] }
    return (0..<count).map { field in
      let start = index * size + field * 4
      return bytes[start..<start + 4].enumerated().reduce(0) { value, byte in
        value | UInt32(byte.element) << UInt32(ByteOrder.host == .little ? byte.offset * 8 : 24 - byte.offset * 8)
      }
    }
  }
}
