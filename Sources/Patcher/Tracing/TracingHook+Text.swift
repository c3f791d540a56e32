// SPDX-License-Identifier: Apache-2.0

extension TracingHook: CustomStringConvertible {
  /// The hook in the spelling of the commands, with the aliases that libbpf's sections and bpftrace have; nil if it is
  /// none.
  public init?(_ text: some StringProtocol) {
    if let target = Target(rawValue: String(text)) {
      self = .target(target)
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    self.init(kind: String(parts[0]), place: String(parts[1]))
  }

  private init?(kind: String, place: String) {
    guard !place.isEmpty else { return nil }
    switch kind {
    case "raw_tp", "raw_tracepoint": self = .rawTracepoint(name: place)
    case "tp", "tracepoint":
      let parts = place.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == ":" }
      guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else { return nil }
      self = .tracepoint(category: String(parts[0]), name: String(parts[1]))
    case "kprobe", "kretprobe":
      guard case .function(let name, let offset) = ProbeLocation(place) else { return nil }
      let isReturn = kind == "kretprobe"
      if isReturn, offset != 0 { return nil }
      self = .kprobe(function: name, offset: offset, isReturn: isReturn)
    case "uprobe", "uretprobe":
      guard let colon = place.lastIndex(of: ":"), colon > place.startIndex,
        let location = ProbeLocation(place[place.index(after: colon)...])
      else { return nil }
      self = .uprobe(file: String(place[..<colon]), location: location, isReturn: kind == "uretprobe")
    case "perf-event", "perf_event":
      guard let event = PerfEvent(place) else { return nil }
      self = .perfEvent(event)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .rawTracepoint(let name): "raw_tp:\(name)"
    case .tracepoint(let category, let name): "tp:\(category)/\(name)"
    case .kprobe(let function, let offset, let isReturn):
      "\(isReturn ? "kretprobe" : "kprobe"):\(ProbeLocation.function(function, offset: offset))"
    case .uprobe(let file, let location, let isReturn): "\(isReturn ? "uretprobe" : "uprobe"):\(file):\(location)"
    case .perfEvent(let event): "perf-event:\(event)"
    case .target(let target): target.rawValue
    }
  }
}

extension TracingHook.ProbeLocation {
  /// `FUNC[+OFFSET]`, or a number of bytes from the file's start; numbers are decimal or, after 0x, hexadecimal.
  init?(_ text: some StringProtocol) {
    if let offset = Self.number(text) {
      self = .file(offset: offset)
      return
    }
    let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty else { return nil }
    guard parts.count == 2 else {
      self = .function(String(name), offset: 0)
      return
    }
    guard let offset = Self.number(parts[1]) else { return nil }
    self = .function(String(name), offset: offset)
  }

  private static func number(_ text: some StringProtocol) -> UInt64? {
    guard text.first?.isNumber == true else { return nil }
    return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }
}

extension Hook {
  /// Where a program's section says that it goes, as libbpf's own attaching by section does it.
  ///
  /// - Returns: nil where the section does not say.
  init?(section: String) {
    let parts = section.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    // ".s" marks sleepable programs, ".w" those that may write to a tracepoint's arguments.
    let kind = parts[0].hasSuffix(".s") || parts[0].hasSuffix(".w") ? parts[0].dropLast(2) : parts[0]
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    let text = TracingHook.Target(rawValue: String(kind)) != nil ? String(kind) : "\(kind):\(parts[1])"
    guard let hook = TracingHook(text) else { return nil }
    self = .tracing(hook)
  }
}
