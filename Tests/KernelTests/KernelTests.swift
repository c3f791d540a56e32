// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation
import TestSupport
import Testing

/// All tests that need the kernel, each suite nested in this one by an extension in its own file.
///
/// They run one after the other, because each counts the machine's BPF objects before and after. Without root they are
/// skipped by name; in CI they run and fail.
@Suite(.serialized, .requiresRoot, .censused)
enum KernelTests {}

extension KernelTests {
  /// Whether this machine is what the other tests need, so that one that is not fails by name.
  @Suite struct Environment {
    @Test func runsAsRoot() { #expect(geteuid() == 0) }

    @Test func kernelIsNewEnough() throws {
      let release = try run(["uname", "-r"]).checked().stdout
      let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
      try #require(numbers.count == 2, "release \(release)")
      #expect((numbers[0], numbers[1]) >= (5, 10), "templates are bound with BPF_PROG_BIND_MAP, Linux 5.10")
    }

    @Test func programCanBeLoadedAndRun() throws {
      // r0 = 2; exit
      let instructions = [
        bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 2),
        bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      ]
      let program = try OwnedFD(
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "sk_env", "GPL", instructions, instructions.count, nil),
        "BPF_PROG_LOAD")
      #expect(try BPF.testRun(program).returned == 2)
    }

    @Test func jitStateIsReadable() throws {
      let state = try String(contentsOfFile: "/proc/sys/net/core/bpf_jit_enable", encoding: .utf8)
      #expect(["0", "1", "2"].contains(state.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test func kernelHasBTF() {
      #expect(access("/sys/kernel/btf/vmlinux", R_OK) == 0)
    }

    @Test func bpffsTakesPins() throws {
      let folder = try PinFolder()
      let map = try OwnedFD(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sk_env", 4, 8, 1, nil), "BPF_MAP_CREATE")
      #expect(bpf_obj_pin(map.rawValue, folder.pin("map")) == 0)
      let pinned = try BPF.info(BPF.open(pin: folder.pin("map")), bpf_map_info()).id
      #expect(try BPF.info(map, bpf_map_info()).id == pinned)
    }

    @Test(arguments: ["ip", "nsenter", "bpftool", "tc"])
    func toolIsInstalled(_ tool: String) { #expect(Tools.find(tool) != nil) }
  }
}
