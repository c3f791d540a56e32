// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import Patcher
import StaticKeys
import Synchronization
import TestSupport
import Testing

enum Race {
  /// Runs each body on a thread of its own and waits for all; rethrows the first error.
  static func concurrently(_ bodies: [@Sendable () throws -> Void]) throws {
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: bodies.count) { index in
      do { try bodies[index]() } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

extension KernelTests.Patch {
  @Test("two writers of 10,000 commands each, held by no lock but the kernel's, lose no flip")
  func rawWriters() throws {
    let kernel = try #require(StaticBranches.current)
    let multi = try Collection("multi", engine: .patch)
    let managed = try #require(try multi.programs().first { $0.name == "multi_xdp" })
    try #require(managed.template.sites.count == 2)
    try Race.concurrently(
      managed.template.sites.map { site in
        {
          let program = try BPF.open(.program, id: managed.id)
          // An odd number: a single lost flip would show, and the next command would be refused.
          for time in 0...10_000 {
            let (from, to) = time % 2 == 0 ? (0, site.jumpOffset) : (site.jumpOffset, 0)
            let change = sk_static_branch(insn_off: site.insn.rawValue, expected_off: from, new_off: to)
            let answer = kernel.update(program, [change])
            guard answer.errno == 0 else { throw HarnessError("update \(time)", errno: answer.errno) }
          }
        }
      })
    let program = try #require(try multi.programs().first { $0.name == "multi_xdp" })
    for key in program.template.keys { #expect(program.value(of: key.name) == true, "\(key.name)") }
  }

  @Test("two writers that wait for each other, on different keys of one program, lose no flip")
  func writers() throws {
    let flips = 10_000
    let multi = try Collection("multi", engine: .patch)
    let keys = ["deny", "count_xdp"].compactMap { KeyPattern("\(multi.name)/\($0)") }
    let only = ProgramSelector.name(Glob("multi_xdp"))
    try Race.concurrently(
      keys.map { key in
        {
          // An odd number of toggles in all: a single lost one would show.
          for _ in 0...flips {
            let report = try Changer().flip(.toggle, [key], in: only, engine: .patch)
            guard report.programs.count == 1 else { throw HarnessError("\(key): no program was changed") }
          }
        }
      })
    let program = try #require(try multi.programs().first { $0.name == "multi_xdp" })
    #expect(keys.count == 2)
    for key in program.template.keys { #expect(program.value(of: key.name) == true, "\(key.name)") }
  }

  @Test("a program that runs on another CPU while its one site flips gives one of its two answers each time")
  func underUse() throws {
    let cpus = CPUs.allowed
    try #require(cpus.count > 1, "one CPU cannot run a program and flip it at once")
    let four = try Collection("four", engine: .patch)
    let pattern = try #require(KeyPattern("\(four.name)/key_false"))
    let pin = four.pin("progs", "false_unlikely")
    let done = Atomic<Bool>(false)
    let answers = Mutex<[UInt32: Int]>([:])
    try Race.concurrently([
      {
        defer { done.store(true, ordering: .relaxed) }
        try CPUs.pinned(to: cpus[0]) {
          var flips = 0
          // Until it has run in both states, however slow the machine is.
          while flips < 200 || answers.withLock({ $0.count }) < 2 {
            _ = try Changer().flip(.toggle, [pattern], engine: .patch)
            flips += 1
            if flips == 100_000 { throw HarnessError("\(flips) flips, and it ran in one state alone") }
          }
        }
      },
      {
        try CPUs.pinned(to: cpus[1]) {
          let program = try BPF.open(pin: pin)
          while !done.load(ordering: .relaxed) {
            let answer = try BPF.testRun(program).returned
            answers.withLock { $0[answer, default: 0] += 1 }
          }
        }
      },
    ])
    let seen = answers.withLock { $0 }
    #expect(Set(seen.keys) == [1, 2], "\(seen)")
  }
}
