// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

extension TracingHook {
  /// Whether a link holds one of these programs on the hook.
  ///
  /// - Throws: `.unsupported` if one hangs on a perf event, of which the kernel tells since Linux 6.16 which it is;
  ///   `.notFound` for a file or function that is not there; `.permission`, `.kernel`.
  func holds(oneOf programs: Set<UInt32>, as program: LoadedProgram, system: BPFSystem) throws(StaticKeysError) -> Bool
  {
    var links: [(kind: LinkKind, details: TracingLinkInfo)] = []
    do throws(Errno) {
      for id in try system.ids(of: .link) {
        guard let link = try system.object(.link, id: id) else { continue }
        let info = try system.rawInfo(ofLink: link)
        guard programs.contains(info.prog_id) else { continue }
        links.append((LinkKind(rawValue: info.type), TracingLinkInfo(of: link)))
      }
    } catch {
      throw .kernel(error, "cannot look for links at \(self)", needs: [.sysAdmin])
    }
    let answers = try links.map { link throws(StaticKeysError) in try isPlace(of: link.kind, link.details) }
    if answers.contains(true) { return true }
    guard !answers.contains(nil) else {
      throw StaticKeysError(
        .unsupported, "it hangs on a perf event already, and the kernel does not tell whether that is \(self)",
        at: Place(program: program.name), advice: "Linux 6.16 tells; or unload the collection and load it anew")
    }
    return false
  }

  /// Whether a link is on this hook; nil where the kernel does not tell.
  private func isPlace(of kind: LinkKind, _ link: TracingLinkInfo) throws(StaticKeysError) -> Bool? {
    switch self {
    case .rawTracepoint(let name): return kind == .rawTracepoint && link.tracepoint == name
    // The program was loaded for one place.
    case .target: return kind == .tracing || kind == .rawTracepoint
    case .tracepoint, .kprobe, .uprobe, .perfEvent: break
    }
    guard kind == .perfEvent else { return false }
    guard let event = link.event else { return nil }
    switch self {
    case .rawTracepoint, .target: return false
    // Nor does the kernel tell the category.
    case .tracepoint(_, let name): return event == .tracepoint(name: name)
    case .kprobe(let function, let offset, let isReturn):
      return event == .probe(isReturn ? "kretprobe" : "kprobe", name: function, offset: offset)
    case .uprobe(let file, let location, let isReturn):
      let path = try Self.path(of: file)
      let offset = try Self.offset(of: location, in: path)
      return event == .probe(isReturn ? "uretprobe" : "uprobe", name: path.string, offset: offset)
    case .perfEvent(let perfEvent): return perfEvent.isTold(as: event)
    }
  }
}

extension PerfEvent {
  /// Whether this is what the kernel tells of an event: it tells no frequency, and of a clock the number that it gave to
  /// that clock's own kind instead of that of software events.
  fileprivate func isTold(as event: TracingLinkInfo.Event) -> Bool {
    guard let attributes, case .event(let type, let config) = event else { return false }
    let isOwnKind = name.hasSuffix("-clock") && type >= PERF_TYPE_MAX.rawValue
    return config == attributes.config && (type == attributes.type || isOwnKind)
  }
}
