// SPDX-License-Identifier: Apache-2.0

extension FlipView {
  /// A line for each key, then one for each program: its replacement or, in a dry run, the sites that would change.
  var lines: [String] {
    let changed = keys.filter(\.changed)
    var lines = keys.map { key in
      guard key.changed else { return "\(key.collection)/\(key.key): already \(key.to)" }
      let extent = "\(counted(key.programs, "program")), \(counted(key.sites, "site"))"
      return "\(key.collection)/\(key.key): \(key.from) -> \(key.to) (\(extent)\(changed.count == 1 ? time : ""))"
    }
    lines += programs.flatMap { dryRun ? $0.planLines : [$0.line] }
    if changed.count > 1 {
      let sites = programs.map(\.sites.count).reduce(0, +)
      lines.append("in all: \(counted(programs.count, "program")), \(counted(sites, "site"))\(time)")
    }
    if dryRun { lines.append("nothing was changed: this was a dry run, with everything loaded and verified") }
    return lines
  }

  private var time: String {
    guard !dryRun else { return "" }
    let tenths = Int((durationMs * 10).rounded())
    return ", \(tenths / 10).\(tenths % 10) ms"
  }
}

extension FlipView.Program {
  fileprivate var line: String {
    let replaced = newId.value.map { $0 == id ? "program \(id)" : "program \(id) -> \($0)" } ?? "program \(id)"
    return "  \(replaced) \(collection)/\(name)" + (places.isEmpty ? "" : ": \(places.joined(separator: ", "))")
  }

  fileprivate var planLines: [String] {
    [line]
      + sites.map { site in
        "    function \(site.function), insn \(site.insn): off \(site.oldOff) -> \(site.newOff) "
          + "(\(site.key), \(site.from) -> \(site.to))"
      }
  }
}
