// SPDX-License-Identifier: Apache-2.0

extension FlipView {
  /// A line for each key, then one for each program: its replacement or, in a dry run, the sites that would change.
  var lines: [String] {
    let changed = keys.count(where: \.changed) + values.count(where: \.changed)
    let time = changed == 1 ? self.time : ""
    var lines = keys.map { key in
      guard key.changed else { return "\(key.collection)/\(key.key): already \(key.to)" }
      let programs = counted(key.programs, "program")
      let extent = key.kind == "key" ? "\(programs), \(counted(key.sites, "site"))" : "\(key.kind), \(programs)"
      return "\(key.collection)/\(key.key): \(key.from) -> \(key.to) (\(extent)\(time))"
    }
    lines += values.map { value in
      let name = "\(value.collection)/\(value.name)"
      let after = value.to.value?.value.description ?? "<mixed>"
      guard value.changed else { return "\(name): already \(after)" }
      let extent = value.kind == "variable" ? "in place" : counted(value.programs, "program")
      let before = value.from.value?.value.description ?? "<mixed>"
      return "\(name): \(before) -> \(after) (\(value.kind), \(extent)\(time))"
    }
    // Of many instances a few are enough to see what was done.
    let shown = programs.count > Self.mostPrograms ? programs.prefix(3) : programs[...]
    lines += shown.flatMap { dryRun ? $0.planLines : [$0.line] }
    if shown.count < programs.count {
      lines.append("  and \(counted(programs.count - shown.count, "program")) more (--json lists all)")
    }
    if changed > 1 {
      let sites = programs.map(\.sites.count).reduce(0, +)
      lines.append(
        "in all: \(counted(programs.count, "program"))\(sites > 0 ? ", \(counted(sites, "site"))" : "")\(self.time)")
    }
    if dryRun { lines.append("nothing was changed: this was a dry run, with everything loaded and verified") }
    return lines
  }

  private static let mostPrograms = 24

  private var time: String {
    guard !dryRun else { return "" }
    let tenths = Int((durationMs * 10).rounded())
    return ", \(tenths / 10).\(tenths % 10) ms"
  }
}

extension FlipView.Program {
  fileprivate var line: String {
    let replaced = newId.value.map { $0 == id ? "program \(id)" : "program \(id) -> \($0)" } ?? "program \(id)"
    return "  \(replaced) \(collection)\(instance.value.map { "[\($0)]" } ?? "")/\(name)"
      + (places.isEmpty ? "" : ": \(places.joined(separator: ", "))")
  }

  fileprivate var planLines: [String] {
    [line]
      + sites.map { site in
        "    function \(site.function), insn \(site.insn): off \(site.oldOff) -> \(site.newOff) "
          + "(\(site.key), \(site.from) -> \(site.to))"
      }
  }
}
