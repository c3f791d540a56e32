// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// The name of a constant's symbol, `__static_const.<n>.<name>`.
struct ConstantSymbol: Equatable {
  static let prefix = "__static_const."

  let name: KeyName

  /// The constant whose place a symbol marks; nil if its name is not of that form.
  init?(_ symbol: String) {
    let parts = symbol.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "__static_const", SiteSymbol.isNumber(parts[1]), let name = KeyName(parts[2])
    else { return nil }
    self.name = name
  }
}

/// The name of a site's symbol, `__static_branch.<u|l>.<n>.<key>`: all that static_key.bpf.h says about the site.
struct SiteSymbol: Equatable {
  static let prefix = "__static_branch."

  let layout: BranchLayout
  let key: KeyName

  /// The site that a symbol's name describes; nil if it is not of that form.
  init?(_ name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "__static_branch", Self.isNumber(parts[2]), let key = KeyName(parts[3])
    else { return nil }
    switch parts[1] {
    case "u": layout = .unlikely
    case "l": layout = .likely
    default: return nil
    }
    self.key = key
  }

  /// Whether a text is what `%=` prints.
  static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
