// SPDX-License-Identifier: Apache-2.0

import Patcher
import StaticKeys
import SystemPackage

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where the command writes: whole texts in one go, so that a reader of a pipe sees them at once.
enum Output {
  /// Writes lines to standard output.
  static func print(_ lines: [String]) throws { try write(lines, to: .standardOutput) }

  /// Writes a value as JSON to standard output.
  static func print(json value: some Encodable) throws { try write(json: value, to: .standardOutput) }

  /// Tells on standard error of programs that cannot be read; what can be is shown all the same.
  static func warn(of programs: [UnreadableProgram], json: Bool) throws {
    try warn(of: programs.map(\.error), json: json)
  }

  /// Tells on standard error of what does not stop the command.
  static func warn(of errors: [StaticKeysError], json: Bool) throws {
    for error in errors {
      if json {
        try write(json: ["warning": ErrorView(error, withLog: false)], to: .standardError)
      } else {
        try write(["\(Invocation.name): warning: \(error)"], to: .standardError)
      }
    }
  }

  static func write(_ lines: [String], to file: FileDescriptor) throws {
    try write(lines.map { $0.printable + "\n" }.joined(), to: file)
  }

  static func write(json value: some Encodable, to file: FileDescriptor) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", to: file)
  }

  private static func write(_ text: String, to file: FileDescriptor) throws {
    do {
      try file.writeAll(text.utf8)
    } catch let errno as Errno {
      throw StaticKeysError(.output, "cannot write the output: \(errno)", errno: errno.rawValue)
    }
  }
}

/// A field that is there in JSON even where nothing is known: then it is null.
struct OrNull<Wrapped: Encodable>: Encodable {
  let value: Wrapped?

  init(_ value: Wrapped?) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value { try container.encode(value) } else { try container.encodeNil() }
  }
}
