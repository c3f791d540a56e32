// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite struct CensusTests {
  @Test func heldFileIsSeen() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "held")
    let before = try KernelCensus.take([.fd])
    let file = try OwnedFD(open(path, O_RDONLY | O_CLOEXEC), path)
    let left = try await KernelCensus.leftovers(since: before, of: [.fd], patience: .milliseconds(100))
    #expect(left.filter { $0.name == path }.map(\.id) == [UInt32(file.rawValue)])
  }

  @Test func closedFileIsForgiven() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "closed")
    let before = try KernelCensus.take([.fd])
    let file = try OwnedFD(open(path, O_RDONLY | O_CLOEXEC), path)
    #expect(try KernelCensus.take([.fd]).items.contains { $0.name == path })
    close(consume file)
    let left = try await KernelCensus.leftovers(since: before, of: [.fd])
    #expect(!left.contains { $0.name == path })
  }

  @Test func fileThatWasOpenBeforeIsForgiven() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], to: "old")
    let file = try OwnedFD(open(path, O_RDONLY | O_CLOEXEC), path)
    let before = try KernelCensus.take([.fd])
    #expect(before.items.contains { $0.name == path && $0.id == UInt32(file.rawValue) })
    let left = try await KernelCensus.leftovers(since: before, of: [.fd], patience: .milliseconds(100))
    #expect(!left.contains { $0.name == path })
  }

  @Test func runnerLeaksNoFiles() async throws {
    let before = try KernelCensus.take([.fd])
    for _ in 0..<20 { try run(["true"]).checked() }
    let left = try await KernelCensus.leftovers(since: before, of: [.fd])
    #expect(!left.contains { $0.name.contains("memfd:std") })
  }

  private func close(_ file: consuming OwnedFD) {}
}
