// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import Patcher
import StaticKeys
import TestSupport
import Testing

extension KernelTests {
  /// Slots of program arrays that somebody else made.
  @Suite(.serialized, .requiresRoot, .censused)
  struct ArraySlots {
    /// A program array of the test's own, which is gone when `use` has returned.
    ///
    /// One that is opened by its id between its last close and the work queue's clearing of it is never freed (Linux
    /// 6.18, prog_array_map_clear): nobody may look at it before it is gone, the census included.
    private func withArrays(_ count: Int, entries: UInt32 = 4, use: ([Int32]) throws -> Void) throws {
      var ids: [UInt32] = []
      do {
        var arrays: [Int32] = []
        defer { for array in arrays { close(array) } }
        for _ in 0..<count {
          let fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "skey_test", 4, 4, entries, nil)
          guard fd >= 0 else { throw HarnessError("program array", errno: errno) }
          arrays.append(fd)
          var info = bpf_map_info()
          var size = UInt32(MemoryLayout<bpf_map_info>.size)
          #expect(bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
          ids.append(info.id)
        }
        try use(arrays)
      }
      #expect(
        eventually(within: .seconds(3)) { (try? BPF.ids(of: .map)).map { Set($0).isDisjoint(with: ids) } == true })
    }

    private func put(_ program: borrowing OwnedFD, _ array: Int32, _ index: UInt32) {
      var key = index
      var value = program.rawValue
      #expect(bpf_map_update_elem(array, &key, &value, 0) == 0)
    }

    private func programID(_ array: Int32, _ index: UInt32) -> UInt32? {
      var key = index
      var id: UInt32 = 0
      return bpf_map_lookup_elem(array, &key, &id) == 0 ? id : nil
    }

    @Test("a program in several slots of several arrays is replaced in all of them, and nothing else is")
    func severalSlots() throws {
      let four = try Collection("four", engine: .reload)
      try withArrays(2) { arrays in
        let program = try BPF.open(pin: four.pin("progs", "false_likely"))
        let other = try BPF.open(pin: four.pin("progs", "true_likely"))
        let otherID = try BPF.info(other, bpf_prog_info()).id
        put(program, arrays[0], 0)
        put(program, arrays[0], 3)
        put(program, arrays[1], 2)
        put(other, arrays[1], 1)
        let report = try four.flip(.enable, "key_false")
        let change = try #require(report.programs.first { $0.plan.template.name == "false_likely" })
        #expect(
          [(0, 0), (0, 3), (1, 2)].map { programID(arrays[$0.0], $0.1) } == Array(repeating: change.newID, count: 3))
        #expect(programID(arrays[1], 1) == otherID)
        #expect(programID(arrays[0], 1) == nil)
        #expect(change.places.count { $0.hasPrefix("slot") } == 3, "\(change.places)")
        #expect(change.places.contains { $0.hasPrefix("slot 3 of program array skey_test") })
        withExtendedLifetime(program) {}
      }
    }

    @Test("what fails after a slot was changed changes it back")
    func undo() throws {
      let recorder = Recorder()
      let four = try Collection("four", engine: .reload, system: recorder.system)
      try withArrays(1) { arrays in
        let program = try BPF.open(pin: four.pin("progs", "false_likely"))
        let id = try BPF.info(program, bpf_prog_info()).id
        put(program, arrays[0], 0)
        recorder.restart { $0.last == .rename }
        #expect(throws: StaticKeysError.self) { try four.flip(.enable, "key_false") }
        #expect(recorder.calls.contains(.rename))
        recorder.restart()
        #expect(programID(arrays[0], 0) == id)
        #expect(try four.state("key_false") == .off)
      }
    }

    @Test("a slot that somebody changes while the variant is loaded is left alone, and the flip is refused")
    func changedMeanwhile() throws {
      let recorder = Recorder()
      let four = try Collection("four", engine: .reload, system: recorder.system)
      try withArrays(1) { arrays in
        let program = try BPF.open(pin: four.pin("progs", "false_likely"))
        put(program, arrays[0], 0)
        let array = arrays[0]
        // Nothing fails; the other writer comes before the first program is loaded.
        recorder.restart { calls in
          if calls.last == .programLoad {
            var key: UInt32 = 0
            _ = bpf_map_delete_elem(array, &key)
          }
          return false
        }
        let error = #expect(throws: StaticKeysError.self) { try four.flip(.enable, "key_false") }
        recorder.restart()
        #expect(error?.code == .changedMeanwhile)
        #expect(error?.message.contains("holds no program now") == true)
        #expect(programID(array, 0) == nil)
        #expect(try four.state("key_false") == .off)
      }
    }

    @Test("arrays that cannot hold a program that keyctl looks after are not walked")
    func otherArrays() throws {
      let recorder = Recorder()
      let four = try Collection("four", engine: .reload, system: recorder.system)
      let lookups = try lookupsOfFlip(four, recorder)
      // r0 = 0; exit
      let instructions = [
        bpf_insn(code: 0xb7, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
        bpf_insn(code: 0x95, dst_reg: 0, src_reg: 0, off: 0, imm: 0),
      ]
      let foreign = try OwnedFD(
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "sk_foreign", "GPL", instructions, instructions.count, nil), "load")
      try withArrays(2, entries: 100_000) { arrays in
        put(foreign, arrays[0], 0)
        #expect(try lookupsOfFlip(four, recorder) < lookups + 1000, "the type of one is wrong, the other has none yet")
        let program = try BPF.open(pin: four.pin("progs", "true_likely"))
        put(program, arrays[1], 70_000)
        #expect(try lookupsOfFlip(four, recorder) >= lookups + 100_000)
        withExtendedLifetime(program) {}
      }
      withExtendedLifetime(foreign) {}
    }

    private func lookupsOfFlip(_ collection: Collection, _ recorder: Recorder) throws -> Int {
      recorder.restart()
      try collection.flip(.toggle, "key_false")
      defer { recorder.restart() }
      return recorder.calls.count { $0 == .mapLookup }
    }
  }
}
