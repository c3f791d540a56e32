// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite struct RequirementTests {
  @Test(arguments: [
    (met: true, inCI: false, runs: true),
    (met: true, inCI: true, runs: true),
    (met: false, inCI: false, runs: false),
    (met: false, inCI: true, runs: true),
  ])
  func unmetRequirementSkipsOnlyOutsideCI(_ row: (met: Bool, inCI: Bool, runs: Bool)) {
    #expect(Requirement.runs(met: row.met, inCI: row.inCI) == row.runs)
  }

  @Test(arguments: [
    ([:], false), (["CI": ""], false), (["CI": "0"], false), (["CI": "false"], false), (["CI": "False"], false),
    (["CI": "true"], true), (["CI": "1"], true), (["ci": "true"], false),
  ])
  func ciIsKnownByItsVariable(_ environment: [String: String], _ expected: Bool) {
    #expect(Requirement.isCI(environment) == expected)
  }

  @Test(arguments: [
    ("5.10", false), ("6.5", false), ("6.6", true), ("6.12", true), ("7.0", true), (nil, true),
  ])
  func onlyAnOlderKernelExcuses(_ running: String?, runs: Bool) {
    let obstacle = Requirement.tooOld(running.flatMap { LinuxVersion($0) }, for: "tcx links", since: "6.6")
    #expect((obstacle == nil) == runs)
    #expect(obstacle == nil || obstacle == "not possible here: tcx links came with Linux 6.6, this is \(running ?? "")")
  }

  @Test func kernelOfNoVersionExcusesNothing() {
    #expect(Requirement.tooOld(LinuxVersion("5.10"), for: "tcx links", since: "six") == nil)
  }

  @Test(arguments: [
    ("6.1.0-56-cloud-amd64", (6, 1)), ("6.12.117+deb12-cloud-amd64", (6, 12)), ("6.18", (6, 18)), ("6.18-rc1", (6, 18)),
    ("7.0.1", (7, 0)),
  ])
  func versionsAreParsed(_ text: String, _ numbers: (Int, Int)) {
    let version = LinuxVersion(text)
    #expect(version?.major == numbers.0 && version?.minor == numbers.1)
  }

  @Test(arguments: ["", "6", "six.1", "-6.1", "6.", "6.x", ".1"])
  func otherTextIsNoVersion(_ text: String) { #expect(LinuxVersion(text) == nil) }

  @Test func versionsAreOrderedByNumber() throws {
    let versions = try ["6.6", "5.10", "6.12", "5.9", "7.0"].map { try #require(LinuxVersion($0)) }
    #expect(versions.sorted().map(\.description) == ["5.9", "5.10", "6.6", "6.12", "7.0"])
    #expect(try #require(LinuxVersion.running) >= #require(LinuxVersion("5.10")))
  }

  @Test func toolsAreFoundByName() {
    #expect(Tools.find("sh") != nil)
    #expect(Tools.find("no-such-program") == nil)
    #expect(Tools.find("/no/such/program") == nil)
  }
}

@Suite struct OwnNameTests {
  @Test func namesCarryTheProcessAndDiffer() {
    let (a, b) = (OwnName.make(), OwnName.make())
    #expect(a != b)
    #expect(a.hasPrefix("sk-\(getpid())-"))
    #expect(OwnName.orphans(among: [a, b]) == [])
  }

  @Test func onlyWellFormedNamesOfTheDeadAreOrphans() {
    let names = ["sk-10-1", "sk-11-1", "sk-10", "sk-10-1-2", "sk--10-1", "sk-x-1", "sk-10-x", "other", "skx-10-1", ""]
    #expect(OwnName.orphans(among: names) { $0 == 11 } == ["sk-10-1"])
  }

  @Test func livingProcessesAreAlive() {
    #expect(OwnName.isAlive(getpid()))
    #expect(OwnName.isAlive(1))
    #expect(!OwnName.isAlive(4_194_305))
  }
}

@Suite struct FileTests {
  @Test func mountsAreParsed() {
    let text = """
      27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw
      42 31 0:39 /sub /mnt/with\\040space rw - bpf none rw
      nonsense
      """
    #expect(
      Mount.parse(text) == [
        Mount(path: "/", root: "/", type: "ext4"),
        Mount(path: "/sys/fs/cgroup/unified", root: "/", type: "cgroup2"),
        Mount(path: "/mnt/with space", root: "/sub", type: "bpf"),
      ])
  }

  @Test func missingFixtureSaysHowToBuildIt() {
    let error = #expect(throws: HarnessError.self) { try Fixture.object("no_such_fixture", clang: 19) }
    #expect(error?.description.hasSuffix("no_such_fixture.clang19.o is missing; build it with `make fixtures`") == true)
  }

  @Test func packageRootHoldsTheManifest() throws {
    #expect(try Fixture.existing("Package.swift") == Fixture.packageRoot + "/Package.swift")
  }

  @Test func temporaryFolderGoesWithItsOwner() throws {
    var folder: TemporaryFolder? = try TemporaryFolder()
    let path = try #require(folder).write([1, 2], to: "file")
    #expect(access(path, R_OK) == 0)
    folder = nil
    #expect(access(path, F_OK) != 0)
  }
}

@Suite struct JSONTests {
  @Test func valuesAreReached() throws {
    let json = try JSON(parsing: #"{"a": [1, 2.5, "x", true, null], "big": 4294967296}"#)
    #expect(json["a"]?[0]?.int == 1)
    #expect(json["a"]?[1] == .double(2.5))
    #expect(json["a"]?[2]?.string == "x")
    #expect(json["a"]?[3]?.bool == true)
    #expect(json["a"]?[4] == .null)
    #expect(json["a"]?[5] == nil)
    #expect(json["a"]?.array.count == 5)
    #expect(json["big"]?.int == 4_294_967_296)
    #expect(json.fields == ["a", "big"])
    #expect(json["b"] == nil)
  }

  @Test func otherTextIsShown() {
    let error = #expect(throws: HarnessError.self) { try JSON(parsing: "Error: no such key") }
    #expect(error?.description.contains("Error: no such key") == true)
  }
}
