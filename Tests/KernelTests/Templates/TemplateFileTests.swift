// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import Foundation
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// Templates as files: what is loaded from one cannot be told from what is loaded from its object.
  @Suite(.serialized, .requiresRoot, .requires(tool: "bpftool"), .censused)
  struct TemplateFiles {
    private static let fixtures = [
      "badarm", "cgroup", "counter", "eight", "four", "four-stripped", "multi", "nokeys", "rate", "share", "subprogs",
      "subprogs-stripped", "tcx", "vmlinux", "kinds", "rawtp", "bound", "values", "consts", "talk",
    ]

    @Test("object and template come to the same, before and after flips", arguments: fixtures, [14, 19])
    func sameAsObject(fixture: String, version: Int) throws {
      let object = try Fixture.object(fixture, clang: version)
      let built = try BuiltTemplate(object: object)
      func portraits(_ file: String) throws -> [[String]] {
        // One name for both: names of maps begin with it.
        let collection = try Collection(object: file, name: "portrait\(getpid())")
        var portraits = [try Portrait.lines(of: collection)]
        // The region behind this key is one that the verifier refuses.
        for key in built.template.keys.map(\.name.rawValue) where key != "badarm" && key != "unused" {
          try collection.flip(.toggle, key)
          portraits.append(try Portrait.lines(of: collection) + [collection.state(key).rawValue])
        }
        return portraits
      }
      let (first, second) = (try portraits(object), try portraits(built.path))
      #expect(first.count == second.count && first.count >= 1)
      for (number, pair) in zip(first, second).enumerated() {
        #expect(pair.0 == pair.1, "after \(number) flips: \(pair.1.difference(from: pair.0))")
      }
    }

    @Test("values, hooks, name and engine are taken as for an object")
    func options() throws {
      let veth = try VethPair()
      let built = try BuiltTemplate("four")
      let hook = "false_unlikely=xdp:\(veth.receiverHook)"
      let four = try Collection(object: built.path, set: [("key_f*", true)], attach: [hook])
      #expect(try four.state("key_false") == .on && four.state("key_true") == .on)
      #expect(four.report.links.count == 1)
      let unknown = #expect(throws: StaticKeysError.self) {
        try Collection(object: built.path, set: [("nosuch", true)])
      }
      #expect(unknown?.code == .notFound && unknown?.place.file == built.path)
      #expect(unknown?.advice == "it defines key_false, key_true")
      guard KernelFeatures().engine != .patch else { return }
      let patch = #expect(throws: StaticKeysError.self) { try Collection(object: built.path, engine: .patch) }
      #expect(patch?.code == .unsupported)
    }

    @Test("the verifier's refusal names the line of C")
    func verifier() throws {
      let built = try BuiltTemplate("badarm")
      let error = #expect(throws: StaticKeysError.self) { try Collection(object: built.path, set: [("badarm", true)]) }
      #expect(error?.code == .verifier && error?.place.program == "bad")
      #expect(error?.place.source?.hasPrefix("badarm.bpf.c:") == true)
    }

    @Test("every byte of a file counts: whichever is changed, the file is refused")
    func everyByte() throws {
      let built = try BuiltTemplate("nokeys")
      let folder = try TemporaryFolder()
      let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: built.path)))
      for index in bytes.indices {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(index % 8)
        let path = try folder.write(damaged, to: "damaged")
        let error = #expect(throws: StaticKeysError.self) { try Collection(object: path) }
        // Without its first bytes it is no template, and no object either.
        #expect(
          [.corruptedTemplate, .futureVersion, .pastVersion, .notBPFObject].contains(error?.code), "byte \(index)")
        #expect(error?.place.file == path)
      }
      for length in [0, 3, 4, 19, 20, bytes.count / 2, bytes.count - 1] {
        let path = try folder.write(Array(bytes[..<length]), to: "damaged")
        #expect(throws: StaticKeysError.self) { try Collection(object: path) }
      }
    }

    @Test("a template of another kernel is refused with the names of both, one of another byte order too")
    func otherKernel() throws {
      let built = try BuiltTemplate("bound")
      let binding = try #require(built.template.binding)
      #expect(binding.reasons == ["CO-RE relocations", "the kernel's configuration"])
      let release = try run(["uname", "-r"]).checked().stdout.trimmingCharacters(in: .newlines)
      #expect(binding.kernel.release == release)
      var other = built.template
      other.binding?.kernel.release = "1.2.3-other"
      let error = #expect(throws: StaticKeysError.self) { try CollectionLoader().load(other) }
      #expect(error?.code == .unsupported)
      #expect(error?.message == "it was built for kernel 1.2.3-other, and this is \(release)")
      let file = built.path + "-other"
      try TemplateFile.write(other, to: FilePath(file), likeness: FilePath(built.path))
      let refused = try keyctl("load", file, "--name", Collection.newName())
      #expect(refused.status != 0)
      #expect(refused.stderr.contains("\(file): it was built for kernel 1.2.3-other, and this is \(release)"))
      #expect(refused.stderr.contains("CO-RE relocations, the kernel's configuration"))
      var swapped = built.template
      swapped.byteOrder = swapped.byteOrder == .little ? .big : .little
      let order = #expect(throws: StaticKeysError.self) { try CollectionLoader().load(swapped) }
      #expect(order?.code == .unsupported && order?.message.contains("byte order") == true)
    }

    @Test("what does not depend on the kernel is bound to none")
    func unbound() throws {
      #expect(try BuiltTemplate("kinds").template.binding == nil)
      #expect(try BuiltTemplate("four").template.binding == nil)
    }

    @Test("a template is no object: where one is needed it is refused by name")
    func wrongPlace() throws {
      let built = try BuiltTemplate("four")
      let four = try Collection("four")
      let add = #expect(throws: StaticKeysError.self) {
        try CollectionLoader().add(FilePath(built.path), to: four.name)
      }
      #expect(add?.code == .unsupported && add?.message.contains("is a template") == true)
      let object = #expect(throws: StaticKeysError.self) {
        try TemplateFile.read(FilePath(Fixture.object("four", clang: 19)))
      }
      #expect(object?.message == "not a template file")
    }

    @Test("a build that fails leaves the output as it was; one that does not replaces it")
    func output() throws {
      let folder = try TemporaryFolder()
      let output = try folder.write([1, 2, 3], to: "out")
      let failed = try keyctl("template", "build", Fixture.object("undefined", clang: 19), "-o", output)
      #expect(failed.status != 0)
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: output))) == [1, 2, 3])
      let done = try keyctl("template", "build", Fixture.object("four", clang: 19), "-o", output).checked()
      #expect(try keyctl("template", "show", output).checked().stdout == done.stdout)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }
  }
}
