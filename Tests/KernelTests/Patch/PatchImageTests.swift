// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import StaticKeys
import TestSupport
import Testing

extension KernelTests.Patch {
  /// The five bytes of machine code at a branch.
  private func code(at site: sk_static_branch_info, in functions: [BPF.MachineFunction]) throws -> [UInt8] {
    let function = try #require(
      functions.indices.contains(Int(site.func_index)) ? functions[Int(site.func_index)] : nil)
    let start = Int(site.jited_addr - function.address)
    try #require(start >= 0 && start + 5 <= function.bytes.count, "the branch lies in its function")
    return Array(function.bytes[start..<start + 5])
  }

  @Test(
    "at each branch the machine code is a nop of five bytes or a jump, and nothing else in the program changes",
    arguments: [14, 19])
  func machineCode(clang: Int) throws {
    let kernel = try #require(StaticBranches.current)
    let subprogs = try Collection("subprogs", clang: clang, engine: .patch)
    let program = try BPF.open(pin: subprogs.pin("progs", "subprogs"))
    let before = try BPF.machineCode(of: program)
    try #require(before.count > 2, "main and subprograms")
    for verb in ["enable", "disable", "enable"] {
      try keyctl(verb, "\(subprogs.name)/steps").checked()
      let sites = try kernel.sites(of: program)
      var functions = try BPF.machineCode(of: program)
      #expect(sites.count == 6 && Set(sites.map(\.func_index)).count > 2)
      for site in sites {
        let bytes = try code(at: site, in: functions)
        #expect((site.current_off != 0) == (verb == "enable"))
        if verb == "disable" {
          #expect(bytes == [0x0f, 0x1f, 0x44, 0x00, 0x00], "insn \(site.insn_off)")
        } else {
          let function = functions[Int(site.func_index)]
          let next = Int(site.jited_addr - function.address) + 5
          let distance = bytes.dropFirst().enumerated().reduce(Int32(0)) { $0 | Int32($1.element) << ($1.offset * 8) }
          #expect(bytes[0] == 0xe9 && (next..<function.bytes.count).contains(next + Int(distance)), "\(bytes)")
        }
      }
      // With the branches masked, the image is what it was.
      var original = before
      for site in sites {
        original = masked(site, in: original)
        functions = masked(site, in: functions)
      }
      #expect(original.map(\.bytes) == functions.map(\.bytes) && before.map(\.address) == functions.map(\.address))
    }
  }

  private func masked(_ site: sk_static_branch_info, in functions: [BPF.MachineFunction]) -> [BPF.MachineFunction] {
    var functions = functions
    let index = Int(site.func_index)
    let start = Int(site.jited_addr - functions[index].address)
    functions[index].bytes.replaceSubrange(start..<start + 5, with: [UInt8](repeating: 0, count: 5))
    return functions
  }

  @Test("bpftool, which knows nothing of static branches, shows the same program with a jump of the present distance")
  func bpftoolShows() throws {
    let four = try Collection("four", engine: .patch)
    let pin = four.pin("progs", "false_unlikely")
    func shown() throws -> JSON {
      guard case .object(var fields) = try Bpftool.json("prog", "show", "pinned", pin) else { return .null }
      // The pids that hold it are those of the moment.
      fields["pids"] = nil
      return .object(fields)
    }
    func jumps() throws -> [String] {
      try Bpftool.json("prog", "dump", "xlated", "pinned", pin).array.compactMap { $0["disasm"]?.string }
        .filter { $0.hasPrefix("(05) goto pc") }
    }
    let before = try shown()
    #expect(before["id"]?.int == Int(try BPF.programID(pin: pin)) && before["tag"] != nil && before["loaded_at"] != nil)
    let off = try jumps()
    #expect(off.contains("(05) goto pc+0"), "a nop: \(off)")
    try keyctl("enable", "\(four.name)/key_false").checked()
    let on = try jumps()
    let site = try #require(try four.programs().first { $0.name == "false_unlikely" }?.template.sites.first)
    #expect(on.contains("(05) goto pc+\(site.jumpOffset)") && !on.contains("(05) goto pc+0"), "\(on)")
    try keyctl("disable", "\(four.name)/key_false").checked()
    #expect(try jumps() == off)
    #expect(try shown() == before)
  }
}
