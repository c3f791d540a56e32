// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import Patcher
import StaticKeys

/// The lines of C and the functions of running programs, read from their BTF.
struct SourceLines {
  private var tables: [UInt32: LineTable] = [:]

  /// Reads what there is; a program without BTF, or whose BTF is gone, has no lines.
  init(of programs: [ManagedProgram]) {
    for program in programs where program.btfID != 0 && tables[program.id] == nil {
      tables[program.id] = try? LineTable(template: program.template, btfID: program.btfID)
    }
  }

  /// The line that an instruction belongs to.
  func line(at insn: InsnOffset, in program: UInt32) -> SourceLine? { tables[program]?.line(at: insn) }

  /// The line that starts at an instruction.
  func line(startingAt insn: InsnOffset, in program: UInt32) -> SourceLine? {
    tables[program]?.line(startingAt: insn)
  }

  /// The names of a program's functions, by the instruction they start at.
  static func functions(of program: ManagedProgram) -> [InsnOffset: String] {
    guard program.btfID != 0, let btf = try? BTFObject(kernelID: program.btfID) else { return [:] }
    let records = program.template.functionInfo
    var names: [InsnOffset: String] = [:]
    for index in 0..<records.count {
      let fields = records.words(ofRecord: index, count: 2)
      if fields.count == 2, let name = btf.functionName(fields[1]) { names[InsnOffset(fields[0])] = name }
    }
    return names
  }
}

/// A line of C in JSON.
struct SourceView: Encodable {
  let file: String
  let line: UInt32
  let column: UInt32
  let text: String

  init(_ line: SourceLine) {
    file = line.file
    self.line = line.line
    column = line.column
    text = line.text
  }

  /// Whether another place is on the same line.
  func isSameLine(as other: SourceView?) -> Bool { other?.file == file && other?.line == line }

  /// The file without its folders.
  var fileName: String { file.split(separator: "/").last.map(String.init) ?? file }
}
