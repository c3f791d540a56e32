// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import Synchronization
import TestSupport
import Testing

extension KernelTests {
  /// What a command tells while it works for long, and that readers never wait.
  @Suite(.serialized, .requiresRoot, .censused)
  struct CommandProgress {
    private static let wiped = "\r\u{1b}[K"

    @Test(
      "whoever waits for another writer says so on a terminal, names it, and wipes the line",
      arguments: [
        ["enable", "*/deny"], ["gc", "-n"], ["unload", "*"], ["load", "--replace", "OBJECT", "--name", "*"],
      ])
    func waiting(command: [String]) throws {
      let multi = try Collection("multi")
      let terminal = try Terminal()
      let lock = try HeldWriterLock()
      let object = try Fixture.object("multi", clang: 19)
      let words = command.map { $0 == "OBJECT" ? object : $0.replacingOccurrences(of: "*", with: multi.name) }
      let child = try terminal.start([Tools.built("keyctl")] + words)
      let told = terminal.shows("waiting for another keyctl (pid \(getpid())) to finish")
      lock.release()
      let result = try terminal.wait(for: child)
      #expect(told && result.status == 0, "\(result)\(terminal.text)")
      #expect(terminal.text.hasSuffix(Self.wiped))
    }

    @Test("readers answer while a writer has the lock")
    func readers() throws {
      let multi = try Collection("multi")
      let (key, pin) = ("\(multi.name)/deny", multi.pin("progs", "multi_tc"))
      let lock = try HeldWriterLock()
      defer { lock.release() }
      for command in [
        ["list", key], ["list"], ["show", key], ["get", key], ["get"], ["dump", pin], ["save", "\(multi.name)/*"],
        ["is-enabled", key],
      ] {
        let result = try run([Tools.built("keyctl")] + command)
        #expect(result.status == (command[0] == "is-enabled" ? 1 : 0) && !result.stdout.isEmpty, "\(result)")
      }
    }

    /// The numbers told of each phase, in their order.
    private func numbers(in text: String) -> [String: [Int]] {
      var found: [String: [Int]] = [:]
      for match in text.matches(of: #/([a-z]+) ([0-9]+) of /#) {
        found[String(match.1), default: []].append(Int(match.2) ?? -1)
      }
      return found
    }

    @Test(
      "on a terminal, work that takes long tells how far each part of it has come", .requires(tool: "strace"))
    func phases() throws {
      let object = try Fixture.object("many", clang: 19)
      let name = Collection.newName()
      defer { _ = try? CollectionStore().remove(name) }
      let keyctl = try Tools.built("keyctl")
      // strace makes the kernel slow enough for every part to be seen.
      func shown(delay milliseconds: Int, _ command: String...) throws -> [String: [Int]] {
        let calls = "bpf,/^rename,/^unlink"
        let slow = [
          "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(calls)", "-e",
          "inject=\(calls):delay_enter=\(milliseconds * 1000)", keyctl,
        ]
        let terminal = try Terminal()
        let result = try terminal.wait(for: terminal.start(slow + command))
        #expect(result.status == 0, "\(result)\(terminal.text)")
        #expect(terminal.text.hasSuffix(Self.wiped))
        let numbers = numbers(in: terminal.text)
        for (phase, told) in numbers { #expect(told == told.sorted(), "\(phase)") }
        return numbers
      }
      let load = try shown(delay: 30, "load", object, "--name", name, "--engine", "reload")
      #expect(load["loading"] != nil, "\(load)")
      let enable = try shown(delay: 10, "enable", "\(name)/all")
      #expect(enable["reading"] != nil && enable["loading"] != nil && enable["replacing"] != nil, "\(enable)")
      let replace = try shown(delay: 10, "load", "--replace", object, "--name", name, "--engine", "reload")
      #expect(replace["loading"] != nil && replace["replacing"] != nil, "\(replace)")
      let unload = try shown(delay: 80, "unload", name)
      #expect(unload["removing"] != nil, "\(unload)")
    }

    @Test("each part is told from its beginning to its end, in order, whichever thread is done first")
    func order() throws {
      let told = Mutex<[Patcher.Progress]>([])
      let system = BPFSystem(watcher: { progress in told.withLock { $0.append(progress) } })
      func numbers(_ phase: Patcher.Progress.Phase) -> [Int] {
        told.withLock { $0 }.filter { $0.phase == phase }.map(\.done)
      }
      let many = try Collection("many", engine: .reload, system: system)
      #expect(numbers(.loading) == [0] + Array(0..<20) + [20])
      told.withLock { $0 = [] }
      try many.flip(.enable, "all")
      #expect(numbers(.loading) == Array(0...20) && numbers(.replacing) == Array(0...20))
      let phases = told.withLock { $0 }.map(\.phase)
      #expect(phases.count(where: { $0 == .waiting }) == 0 && phases.first == .reading && phases.last == .replacing)
    }
  }
}
