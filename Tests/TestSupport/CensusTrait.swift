// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// Runs `body` and records an issue for every BPF object and open file that it left behind.
///
/// All the machine's BPF objects are counted, so that only one test process at a time may run such a body: others wait.
public func withCensus(
  of kinds: Set<KernelCensus.Kind> = Set(KernelCensus.Kind.allCases), patience: Duration = .seconds(3),
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws {
  guard geteuid() == 0 else { throw HarnessError("this test counts the machine's BPF objects and needs root") }
  try await MachineLock.whileHeld {
    let before = try KernelCensus.take(kinds)
    var failure: (any Error)?
    do { try await body() } catch { failure = error }
    let left = try await KernelCensus.leftovers(since: before, of: kinds, patience: patience)
    if !left.isEmpty {
      let list = left.map(\.description).joined(separator: ", ")
      Issue.record("the test left behind: \(list)", sourceLocation: sourceLocation)
    }
    if let failure { throw failure }
  }
}

/// The trait behind `.censused`.
public struct CensusTrait: TestTrait, SuiteTrait, TestScoping {
  /// Each test of a suite is counted by itself, so that the issue names the one.
  public var isRecursive: Bool { true }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    // A suite and a suite within it may both ask; one count is enough.
    if MachineLock.isHeld { return try await function() }
    try await withCensus(sourceLocation: test.sourceLocation, function)
  }
}

extension Trait where Self == CensusTrait {
  /// The test fails if it leaves a BPF object or an open file behind. Needs root.
  public static var censused: Self { CensusTrait() }
}

/// The machine-wide lock of tests that count BPF objects.
private enum MachineLock {
  static let path = "/run/statickeys-tests.lock"

  @TaskLocal static var isHeld = false

  /// Runs `body` with the lock; the task that has it already goes on.
  static func whileHeld(_ body: () async throws -> Void) async throws {
    if isHeld { return try await body() }
    let file = try OwnedFD(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600), path)
    let deadline = ContinuousClock.now + .seconds(600)
    while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
      guard ContinuousClock.now < deadline else {
        throw HarnessError("another test run has held \(path) for ten minutes; end it (`fuser \(path)` names it)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    defer { flock(file.rawValue, LOCK_UN) }
    try await $isHeld.withValue(true) { try await body() }
  }
}
