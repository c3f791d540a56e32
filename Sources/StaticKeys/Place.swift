// SPDX-License-Identifier: Apache-2.0

/// Where something is: as much of it as is known.
public struct Place: Hashable, Sendable, CustomStringConvertible {
  /// A file's path.
  public var file: String?
  /// A line of that file, the first being 1.
  public var line: Int?
  /// An ELF section's name.
  public var section: String?
  /// A byte in that section or file.
  public var byte: ByteOffset?
  /// A BPF program's name or id.
  public var program: String?
  /// A BPF function's name.
  public var function: String?
  /// An instruction of that function.
  public var insn: FunctionOffset?
  /// A key's name.
  public var key: String?
  /// A line of C, as "file.c:12".
  public var source: String?

  /// A place of which these parts are known.
  public init(
    file: String? = nil, line: Int? = nil, section: String? = nil, byte: ByteOffset? = nil, program: String? = nil,
    function: String? = nil, insn: FunctionOffset? = nil, key: String? = nil, source: String? = nil
  ) {
    self.file = file
    self.line = line
    self.section = section
    self.byte = byte
    self.program = program
    self.function = function
    self.insn = insn
    self.key = key
    self.source = source
  }

  /// Whether nothing is known.
  public var isEmpty: Bool { self == Place() }

  /// This place, with what it lacks taken from `outer`.
  public func completed(by outer: Place) -> Place {
    Place(
      file: file ?? outer.file, line: line ?? outer.line, section: section ?? outer.section, byte: byte ?? outer.byte,
      program: program ?? outer.program, function: function ?? outer.function, insn: insn ?? outer.insn,
      key: key ?? outer.key, source: source ?? outer.source)
  }

  public var description: String {
    var parts: [String] = []
    if let file { parts.append(line.map { "\(file):\($0)" } ?? file) } else if let line { parts.append("line \(line)") }
    if let source { parts.append(source) }
    if let section { parts.append("section \(section)") }
    if let byte { parts.append("byte \(byte)") }
    if let program { parts.append("program \(program)") }
    if let function { parts.append("function \(function)") }
    if let insn { parts.append("insn \(insn)") }
    if let key { parts.append("key \(key)") }
    return parts.joined(separator: ", ")
  }
}
