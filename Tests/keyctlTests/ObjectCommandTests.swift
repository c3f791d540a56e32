// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `inspect`, `annotate` and `probe`, which need no privilege.
@Suite struct ObjectCommandTests {
  @Test("inspect tells keys and sites", arguments: [14, 19])
  func inspect(clang: Int) throws {
    let object = try Fixture.object("multi", clang: clang)
    let json = try JSON(parsing: keyctl("inspect", object, "--json").checked().stdout)
    #expect(
      json.fields == ["object", "byte_order", "license", "annotated", "keys", "sites", "immediates"])
    #expect(json["object"]?.string == object)
    #expect(json["byte_order"]?.string == "little")
    #expect(json["license"]?.string == "GPL")
    #expect(json["annotated"]?.bool == false)
    let keys = json["keys"]?.array ?? []
    #expect(keys.map { $0["key"]?.string } == ["count_tc", "count_xdp", "deny"])
    #expect(keys.map { $0["default"]?.bool } == [true, false, false])
    #expect(keys.map { $0["sites"]?.int } == [1, 1, 2])
    let likely = try #require(json["sites"]?.array.first { $0["key"]?.string == "count_tc" })
    #expect(likely.fields == ["key", "function", "section", "insn", "target", "likely", "state"])
    #expect(likely["function"]?.string == "multi_tc")
    #expect(likely["section"]?.string == "tc")
    #expect(likely["likely"]?.bool == true)
    #expect(likely["state"]?.string == "nop")
    let insn = try #require(likely["insn"]?.int)
    let target = try #require(likely["target"]?.int)
    #expect(insn < target)
  }

  @Test("inspect as text")
  func inspectText() throws {
    let object = try Fixture.object("multi", clang: 19)
    let lines = try keyctl("inspect", object).checked().stdout.split(separator: "\n").map(String.init)
    #expect(lines.first == "\(object): little endian, license GPL, its BTF does not describe the sites")
    #expect(lines.contains("KEY        DEFAULT  SITES"))
    #expect(lines.contains("count_tc   on       1"))
    #expect(lines.contains("deny       off      2"))
    #expect(
      lines.contains {
        $0.split(separator: " ") == ["FUNCTION", "SECTION", "INSN", "TARGET", "KEY", "LIKELY", "STATE"]
      })
  }

  @Test("inspect of objects without BTF, without keys and for the other byte order")
  func inspectOthers() throws {
    let nokeys = try keyctl("inspect", Fixture.object("nokeys", clang: 19)).checked()
    #expect(nokeys.stdout.hasSuffix("no keys\n"))
    let nobtf = try JSON(parsing: keyctl("inspect", Fixture.object("nobtf", clang: 19), "-j").checked().stdout)
    #expect(nobtf["annotated"] == .null)
    #expect(nobtf["keys"]?.array.count == 2)
    let big = try JSON(parsing: keyctl("inspect", Fixture.object("four-big", clang: 19), "-j").checked().stdout)
    #expect(big["byte_order"]?.string == "big")
    #expect(big["sites"]?.array.count == 4)
  }

  @Test("annotate writes all tags once; then inspect sees them")
  func annotate() throws {
    let folder = try TemporaryFolder()
    let output = folder.file("annotated.o")
    let object = try Fixture.object("four", clang: 19)
    let first = try keyctl("annotate", object, "-o", output).checked()
    #expect(first.stdout == "\(output): 4 sites, 4 tags added\n")
    #expect(try JSON(parsing: keyctl("inspect", output, "--json").checked().stdout)["annotated"]?.bool == true)
    let bytes = FileManager.default.contents(atPath: output)

    let again = try keyctl("annotate", output).checked()
    #expect(again.stdout == "\(output): 4 sites, already annotated\n")
    let json = try JSON(parsing: keyctl("annotate", output, "--json").checked().stdout)
    #expect(json.fields == ["object", "output", "sites", "immediates", "added", "wrote_file"])
    #expect(json["added"]?.int == 0)
    #expect(json["wrote_file"]?.bool == false)
    #expect(FileManager.default.contents(atPath: output) == bytes)
    #expect(try keyctl("annotate", "-q", output).checked().stdout == "")
  }

  @Test(
    "a file that is not there or is no object, told by every command that reads one",
    arguments: ["inspect", "annotate"])
  func badFiles(verb: String) throws {
    let folder = try TemporaryFolder()
    let missing = folder.file("missing.o")
    let absent = try keyctl(verb, missing)
    #expect(absent.status == 1)
    #expect(absent.stderr == "keyctl: \(missing): No such file or directory\n")

    let text = try folder.write(Array("no object\n".utf8), to: "text.o")
    let noELF = try keyctl(verb, text, "--json")
    #expect(noELF.status == 1)
    #expect(noELF.stdout == "")
    let error = try #require(try JSON(parsing: noELF.stderr)["error"])
    #expect(error["code"]?.string == "not_bpf_object")
    #expect(error["place"] == .object(["file": .string(text)]))
    #expect(error["advice"]?.string?.isEmpty == false)
  }

  @Test("an object that names a key it does not define")
  func undefinedKey() throws {
    let result = try keyctl("annotate", Fixture.object("undefined", clang: 19), "--json", "-o", "/nosuch/x")
    #expect(result.status == 1)
    #expect(try JSON(parsing: result.stderr)["error"]?["code"]?.string == "undefined_key")
  }

  @Test("probe answers every question, and names an engine or says why there is none")
  func probe() throws {
    let json = try JSON(parsing: keyctl("probe", "--json").checked().stdout)
    #expect(json.fields == ["features", "engine", "engine_reason"])
    let features = json["features"]?.array ?? []
    #expect(features.count >= 10)
    for feature in features { #expect(feature.fields == ["name", "purpose", "available", "reason"]) }
    #expect(json["engine_reason"]?.string?.isEmpty == false)
    let text = try keyctl("probe").checked().stdout.split(separator: "\n")
    #expect(text.first?.hasPrefix("FEATURE ") == true)
    #expect(text.last?.hasPrefix("engine: \(json["engine"]?.string ?? "none") (") == true)
    #expect(text.count == features.count + 2)
  }

  @Test("a template is never written over its object, by whatever path")
  func templateOverObject() throws {
    let folder = try TemporaryFolder()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Fixture.object("four", clang: 19)))
    let object = try folder.write([UInt8](bytes), to: "x.o")
    try FileManager.default.createSymbolicLink(atPath: folder.file("symbolic"), withDestinationPath: "x.o")
    try FileManager.default.linkItem(atPath: object, toPath: folder.file("hard"))
    for output in [object, "\(folder.path)/./x.o", folder.file("symbolic"), folder.file("hard")] {
      let result = try keyctl("template", "build", object, "-o", output)
      #expect(result.status == 64 && result.stderr.contains("would take the place of the object"), "\(result)")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: object)) == bytes)
  }
}
