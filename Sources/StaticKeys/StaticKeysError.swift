// SPDX-License-Identifier: Apache-2.0

/// What went wrong, where, and what to do: the one error of all the project's modules.
public struct StaticKeysError: Error, Hashable, Sendable {
  /// What kind of failure it is, for programs to branch on.
  public let code: Code
  /// The `errno` of the kernel or C library call behind it, where there was one.
  public let errno: Int32?
  /// Where in which object or program.
  public let place: Place
  /// What happened, in one line.
  public let message: String
  /// What the user can do about it.
  public let advice: String?
  /// The verifier's whole log, where it refused a program.
  public let verifierLog: String?

  /// An error; `advice` is a phrase such as "compile it with clang -target bpf".
  public init(
    _ code: Code, _ message: String, at place: Place = Place(), errno: Int32? = nil, advice: String? = nil,
    verifierLog: String? = nil
  ) {
    self.code = code
    self.message = message
    self.place = place
    self.errno = errno
    self.advice = advice
    self.verifierLog = verifierLog
  }

  /// The same error, told with the parts of `outer` that it did not know itself.
  public func located(at outer: Place) -> StaticKeysError {
    StaticKeysError(
      code, message, at: place.completed(by: outer), errno: errno, advice: advice, verifierLog: verifierLog)
  }
}

extension StaticKeysError {
  private static let mostTold = 20

  /// Several errors told as one, which has the first one's code; nil if there are none.
  public init?(all errors: [StaticKeysError]) {
    guard let first = errors.first else { return nil }
    guard errors.count > 1 else {
      self = first
      return
    }
    let file = Set(errors.map(\.place.file)).count == 1 ? first.place.file : nil
    var told = errors.prefix(Self.mostTold).map { error in
      var place = error.place
      if file != nil { place.file = nil }
      return place.isEmpty ? error.message : "\(place): \(error.message)"
    }
    if errors.count > told.count { told.append("and \(errors.count - told.count) more") }
    var advice: [String] = []
    for one in errors.compactMap(\.advice) where !advice.contains(one) { advice.append(one) }
    self.init(
      first.code, told.joined(separator: "; "), at: Place(file: file), errno: first.errno,
      advice: advice.isEmpty ? nil : advice.prefix(Self.mostTold).joined(separator: "; "))
  }
}

extension StaticKeysError: CustomStringConvertible {
  /// One line: where: what (advice).
  public var description: String {
    let what = place.isEmpty ? message : "\(place): \(message)"
    return advice.map { "\(what); \($0)" } ?? what
  }
}

extension StaticKeysError {
  /// Kinds of failure. New ones may be added; switch with a default.
  public struct Code: RawRepresentable, Hashable, Sendable {
    /// The kind's stable name, as JSON output shows it.
    public let rawValue: String

    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A file could not be opened, read or written.
    public static let file = Code(rawValue: "file")
    /// Not an ELF object, or not one for BPF.
    public static let notBPFObject = Code(rawValue: "not_bpf_object")
    /// An object or a kernel's answer that contradicts itself: truncated, out of bounds, malformed.
    public static let malformed = Code(rawValue: "malformed")
    /// An object without BTF.
    public static let noBTF = Code(rawValue: "no_btf")
    /// A site that is no static branch, or lies where none can be.
    public static let badSite = Code(rawValue: "bad_site")
    /// A site for a key that the object does not define.
    public static let undefinedKey = Code(rawValue: "undefined_key")
    /// Nothing matches the name or pattern given.
    public static let notFound = Code(rawValue: "not_found")
    /// Several things match where one is needed.
    public static let ambiguous = Code(rawValue: "ambiguous")
    /// Something of that name exists already, or a hook is taken.
    public static let exists = Code(rawValue: "exists")
    /// This kernel, or this kind of attachment, cannot do it.
    public static let unsupported = Code(rawValue: "unsupported")
    /// A capability is missing.
    public static let permission = Code(rawValue: "permission")
    /// The verifier refused the program.
    public static let verifier = Code(rawValue: "verifier")
    /// A template or instance map is damaged.
    public static let corruptedTemplate = Code(rawValue: "corrupted_template")
    /// A template or instance map was written by a newer version.
    public static let futureVersion = Code(rawValue: "future_version")
    /// A template or instance map was written by an older version.
    public static let pastVersion = Code(rawValue: "past_version")
    /// A value that its C type cannot hold.
    public static let badValue = Code(rawValue: "bad_value")
    /// Somebody else changed the program or hook meanwhile.
    public static let changedMeanwhile = Code(rawValue: "changed_meanwhile")
    /// Some programs were changed and could not be changed back.
    public static let partlyApplied = Code(rawValue: "partly_applied")
    /// The kernel refused a call.
    public static let kernel = Code(rawValue: "kernel")
    /// The result could not be written; what was asked for has been done.
    public static let output = Code(rawValue: "output")
    /// The caller asked for something that makes no sense.
    public static let usage = Code(rawValue: "usage")
  }
}
