// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite struct ChildProcessTests {
  @Test func outputErrorsAndStatusAreKeptApart() throws {
    let result = try run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    #expect(result.stdout == "out\n")
    #expect(result.stderr == "err\n")
    #expect(result.status == 3)
    #expect(throws: HarnessError.self) { try result.checked() }
  }

  @Test func inputArrives() throws {
    #expect(try run(["cat"], input: "one\ntwo").stdout == "one\ntwo")
    #expect(try run(["cat"]).stdout == "")
  }

  @Test func longOutputDoesNotBlock() throws {
    let result = try run(["head", "-c", "5000000", "/dev/zero"])
    #expect(result.stdout.utf8.count == 5_000_000)
  }

  @Test func environmentIsAddedAndTakenAway() throws {
    let script = "echo ${SK_TEST-unset} ${HOME-unset}"
    #expect(try run(["sh", "-c", script], environment: ["SK_TEST": "yes", "HOME": nil]).stdout == "yes unset\n")
  }

  @Test func signalCountsAsShellsDo() throws {
    #expect(try run(["sh", "-c", "kill -TERM $$"]).status == 128 + SIGTERM)
  }

  @Test func missingProgramIsNamed() {
    let error = #expect(throws: HarnessError.self) { try run(["no-such-program"]) }
    #expect(error?.description == "no program 'no-such-program' on this machine")
  }

  @Test func timeoutKillsTheWholeGroup() throws {
    let folder = try TemporaryFolder()
    let script = "sleep 60 & echo $! >\(folder.file("pid")); echo started; wait"
    let start = ContinuousClock.now
    let error = #expect(throws: HarnessError.self) { try run(["sh", "-c", script], timeout: .milliseconds(500)) }
    #expect(ContinuousClock.now - start < .seconds(20))
    #expect(error?.description.contains("started") == true)
    let text = try String(contentsOfFile: folder.file("pid"), encoding: .utf8)
    let grandchild = try #require(pid_t(text.trimmingCharacters(in: .newlines)))
    #expect(eventually(within: .seconds(5)) { hasEnded(grandchild) })
  }

  @Test func backgroundProcessIsReadAndSignalled() throws {
    let script = "trap 'echo bye; exit 7' INT; echo ready; while :; do sleep 0.02; done"
    let process = try ChildProcess(["sh", "-c", script])
    #expect(try process.line { $0 == "ready" } == "ready")
    #expect(process.poll() == nil)
    #expect(process.signal(SIGINT))
    let result = try process.wait(timeout: .seconds(10))
    #expect(result.status == 7)
    #expect(process.lines == ["ready", "bye"])
    #expect(!process.signal(SIGINT))
  }

  @Test func lineThatNeverComesIsAnError() throws {
    let process = try ChildProcess(["echo", "other"])
    let error = #expect(throws: HarnessError.self) { try process.line { $0 == "wanted" } }
    #expect(error?.description.contains("other") == true)
  }

  @Test func forgottenProcessIsKilled() throws {
    var process: ChildProcess? = try ChildProcess(["sleep", "60"])
    let pid = try #require(process?.pid)
    #expect(!hasEnded(pid))
    process = nil
    #expect(hasEnded(pid))
  }

  @Test func childHasNoFilesButItsThree() throws {
    let file = try OwnedFD(open("/dev/null", O_RDONLY), "/dev/null")  // without O_CLOEXEC
    let seen = try run(["sh", "-c", "ls /proc/$$/fd"]).stdout
    #expect(Set(seen.split(separator: "\n")).subtracting(["0", "1", "2"]) == [], "beside \(file.rawValue)")
  }

  @Test func builtCommandIsFound() throws {
    let path = try Tools.built("keyctl")
    #expect(access(path, X_OK) == 0)
    #expect(throws: HarnessError.self) { try Tools.built("no-such-product") }
  }

  /// Gone, or a zombie that only its parent's wait keeps.
  private func hasEnded(_ pid: pid_t) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
    return stat.contains(") Z ")
  }
}
