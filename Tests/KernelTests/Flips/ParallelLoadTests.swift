// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Lets nobody load a program before two are about to.
private final class Meeting: Sendable {
  private let present = Atomic<Int>(0)
  private let met = Atomic<Bool>(false)

  var haveMet: Bool { met.load(ordering: .relaxed) }

  var system: BPFSystem {
    BPFSystem { call throws(Errno) in
      guard call == .programLoad else { return }
      self.present.add(1, ordering: .relaxed)
      // The time only ends a test that fails.
      _ = eventually(within: .seconds(20)) {
        if self.present.load(ordering: .relaxed) > 1 { self.met.store(true, ordering: .relaxed) }
        return self.haveMet
      }
      self.present.subtract(1, ordering: .relaxed)
    }
  }
}

extension KernelTests {
  /// Loads of programs that do not depend on each other are in flight at once.
  @Suite(
    .serialized, .requiresRoot, .censused,
    .enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1, "not possible here: there is but one processor"))
  struct ParallelLoads {
    @Test("the variants of a flip", .requiresEngine(.reload)) func flip() throws {
      let multi = try Collection("multi", engine: .reload)
      let pattern = try #require(KeyPattern("\(multi.name)/deny"))
      let meeting = Meeting()
      let report = try Changer(system: meeting.system).flip(.enable, [pattern], engine: .reload)
      #expect(report.programs.count == 2 && meeting.haveMet)
    }

    @Test("instances of a template") func instances() throws {
      let counter = try Instances("counter")
      let meeting = Meeting()
      try counter.add(InstanceSpec("a"), InstanceSpec("b"), system: meeting.system)
      #expect(try counter.programs().count == 2 && meeting.haveMet)
    }
  }
}
