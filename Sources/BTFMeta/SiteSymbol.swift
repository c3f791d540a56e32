// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// The name of a site's symbol, `__static_branch.<u|l>.<n>.<key>`: all that static_key.bpf.h says about the site.
struct SiteSymbol: Equatable {
  static let prefix = "__static_branch."

  let layout: BranchLayout
  let key: KeyName

  /// The site that a symbol's name describes; nil if it is not of that form.
  init?(_ name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "__static_branch", !parts[2].isEmpty,
      parts[2].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let key = KeyName(parts[3])
    else { return nil }
    switch parts[1] {
    case "u": layout = .unlikely
    case "l": layout = .likely
    default: return nil
    }
    self.key = key
  }
}
