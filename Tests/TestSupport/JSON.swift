// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A JSON text's value.
public enum JSON: Sendable, Hashable, Decodable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// The value of a whole text; the error shows the text where it is no JSON.
  public init(parsing text: String) throws {
    do {
      self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    } catch {
      throw HarnessError("not JSON (\(error)):\n\(text)")
    }
  }

  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let int = try? value.decode(Int.self) {
      self = .int(int)
    } else if let double = try? value.decode(Double.self) {
      self = .double(double)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSON].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  /// A field of an object; nil if it has none of that name or is no object.
  public subscript(_ field: String) -> JSON? {
    if case .object(let fields) = self { fields[field] } else { nil }
  }

  /// An element of an array; nil if there is none.
  public subscript(_ index: Int) -> JSON? { array.indices.contains(index) ? array[index] : nil }

  /// The elements of an array; none if it is not one.
  public var array: [JSON] { if case .array(let elements) = self { elements } else { [] } }

  /// The names of an object's fields.
  public var fields: Set<String> { if case .object(let fields) = self { Set(fields.keys) } else { [] } }

  /// The text, if it is one.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The whole number, if it is one.
  public var int: Int? { if case .int(let number) = self { number } else { nil } }

  /// The truth value, if it is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
}

/// The kernel's objects as bpftool tells them.
public enum Bpftool {
  /// What `bpftool -j ARGUMENTS` prints.
  public static func json(_ arguments: String...) throws -> JSON {
    try JSON(parsing: run(["bpftool", "-j"] + arguments).checked().stdout)
  }

  /// What `bpftool ARGUMENTS` prints.
  public static func text(_ arguments: String...) throws -> String {
    try run(["bpftool"] + arguments).checked().stdout
  }
}
