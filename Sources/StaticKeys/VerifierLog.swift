// SPDX-License-Identifier: Apache-2.0

/// What the verifier printed when it refused a program.
public struct VerifierLog: Sendable {
  /// All of it.
  public let text: String
  private let lines: [Substring]

  /// A log as the kernel wrote it.
  public init(_ text: String) {
    self.text = text
    lines = text.split(separator: "\n").map { $0.dropLast($0.hasSuffix("\r") ? 1 : 0) }
  }

  /// The one or two lines that tell why.
  ///
  /// Newer kernels end with a section that says "Reason:". Older ones put the reason last, before their statistics.
  public var summary: String? {
    if let reason = lines.last(where: { $0.hasPrefix("Reason:") }) {
      return String(reason.dropFirst("Reason:".count).drop { $0 == " " })
    }
    var telling: [Substring] = []
    for line in lines.reversed() {
      if Self.isStatistics(line) || line.isEmpty { continue }
      if Self.instructionNumber(in: line) != nil || line.hasPrefix(";") || Self.isState(line) { break }
      telling.insert(line, at: 0)
      if telling.count == 2 { break }
    }
    return telling.isEmpty ? nil : telling.joined(separator: "; ")
  }

  /// The instruction that the verifier looked at last, as loaded.
  public var lastInstruction: InsnOffset? {
    lines.reversed().lazy.compactMap { Self.instructionNumber(in: $0) }.first
  }

  private static func instructionNumber(in line: Substring) -> InsnOffset? {
    let digits = line.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, line.dropFirst(digits.count).hasPrefix(": (") else { return nil }
    return UInt32(digits).map(InsnOffset.init)
  }

  private static func isState(_ line: Substring) -> Bool {
    let afterNumber = line.drop { $0.isNumber }
    return afterNumber.hasPrefix(": R") || line.hasPrefix("R0") && line.contains("=") || line.hasPrefix("from ")
      || line.hasPrefix("mark_precise") || line.hasPrefix("func#")
  }

  private static func isStatistics(_ line: Substring) -> Bool {
    ["processed ", "verification time ", "stack depth ", "max_states_per_insn"].contains { line.hasPrefix($0) }
  }
}
