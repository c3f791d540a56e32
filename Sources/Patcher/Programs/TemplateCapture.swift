// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A program as libbpf was about to load it: its template, and the maps that its slots stand for.
struct CapturedProgram: Sendable {
  var template: ProgramTemplate
  var mapIDs: [UInt32]
}

/// Takes the templates of an object's programs in libbpf's prepare-load hook, and puts their sites into the wanted state.
///
/// At that moment libbpf has appended subprograms, applied CO-RE and filled in map descriptors; func_info and line_info
/// of the whole program are in the options.
final class TemplateCapture {
  private let system: BPFSystem
  private let license: String
  /// The first values of keys and constants that differ from their default.
  var wanted: (keys: KeyValues, immediates: ImmediateValues)
  private let form: SiteForm
  /// libbpf's object, once it is open.
  var object: OpaquePointer?
  /// Counts the programs loaded; libbpf says when it comes to the next one, and not when the last one is done.
  var counter: ProgressCounter?
  /// The templates taken, by program name.
  private(set) var programs: [String: CapturedProgram] = [:]
  /// What the hook failed with; libbpf only passes on a number.
  private(set) var failure: StaticKeysError?
  /// The program that came by last: the one that failed, if loading failed.
  private(set) var current: String?

  init(system: BPFSystem, license: String, form: SiteForm) {
    self.system = system
    self.license = license
    wanted = ([:], [:])
    self.form = form
  }

  /// What `ProgramHandlers` takes; the cookie is the address of a capture that outlives the handlers.
  static let hook: libbpf_prog_prepare_load_fn_t = { program, options, cookie in
    guard let program, let options, let address = UnsafeRawPointer(bitPattern: cookie) else { return -EINVAL }
    return Unmanaged<TemplateCapture>.fromOpaque(address).takeUnretainedValue()
      .prepare(ObjectProgram(raw: program), &options.pointee)
  }

  private func prepare(_ program: ObjectProgram, _ options: inout bpf_prog_load_opts) -> Int32 {
    current = program.name
    counter?.reach(programs.count)
    do throws(StaticKeysError) {
      options.prog_flags |= program.rules.loadFlags(type: program.type)
      let captured = try capture(program, options)
      programs[program.name] = captured
      return try setStates(of: program, captured.template)
    } catch {
      failure = error.located(at: Place(program: program.name))
      return -EINVAL
    }
  }

  private func capture(
    _ program: ObjectProgram, _ options: bpf_prog_load_opts
  ) throws(StaticKeysError) -> CapturedProgram {
    guard options.attach_prog_fd == 0, options.attach_btf_obj_fd == 0 else {
      throw StaticKeysError(
        .unsupported, "it is for another program or a kernel module, whose BTF a template cannot name")
    }
    var instructions = program.instructions
    let mapIDs = try takeMapsOut(of: &instructions)
    let functionInfo = ProgramTemplate.InfoRecords(
      size: options.func_info_rec_size, count: options.func_info_cnt, at: options.func_info)
    let template = ProgramTemplate(
      name: program.name, type: program.type.rawValue, expectedAttachType: options.expected_attach_type.rawValue,
      flags: options.prog_flags, kernelVersion: options.kern_version, attachBTFID: options.attach_btf_id,
      license: license, instructions: instructions, functionInfo: functionInfo,
      lineInfo: ProgramTemplate.InfoRecords(
        size: options.line_info_rec_size, count: options.line_info_cnt, at: options.line_info),
      mapSlots: mapIDs.count, sites: try sites(functionInfo), immediates: try immediates(functionInfo))
    try template.validate()
    return CapturedProgram(template: template, mapIDs: mapIDs)
  }

  /// Replaces map descriptors by slot numbers.
  private func takeMapsOut(of instructions: inout [Instruction]) throws(StaticKeysError) -> [UInt32] {
    try refuseModuleReferences(in: instructions)
    var slots: [Int32: Int] = [:]
    var ids: [UInt32] = []
    for index in ProgramTemplate.mapReferences(in: instructions) {
      let fd = instructions[index].imm
      if slots[fd] == nil {
        do throws(Errno) {
          ids.append(try system.rawInfo(ofMapDescriptor: fd).id)
        } catch {
          throw .kernel(error, "cannot read the map of insn \(index)")
        }
        slots[fd] = ids.count - 1
      }
      instructions[index].imm = Int32(slots[fd] ?? 0)
    }
    return ids
  }

  private func refuseModuleReferences(in instructions: [Instruction]) throws(StaticKeysError) {
    for (index, insn) in instructions.enumerated() {
      let callsModule =
        insn.opcode == Instruction.Opcode.call && insn.src == Instruction.Pseudo.kernelFunctionCall && insn.off != 0
      let namesModule =
        insn.opcode == Instruction.Opcode.loadImm64 && insn.src == Instruction.Pseudo.btfID
        && index + 1 < instructions.count && instructions[index + 1].imm != 0
      if callsModule || namesModule {
        throw StaticKeysError(
          .unsupported, "insn \(index) refers to a kernel module, whose BTF a template cannot name")
      }
    }
  }

  /// The sites of all functions that libbpf put into the program, from their BTF tags.
  private func sites(_ functionInfo: ProgramTemplate.InfoRecords) throws(StaticKeysError) -> [BranchSite] {
    guard let object, let raw = bpf_object__btf(object) else {
      throw StaticKeysError(.noBTF, "libbpf found no BTF", advice: "compile with -g")
    }
    guard functionInfo.count > 0 else {
      // Where anybody may load programs, as some kernels allow, not everybody may load BTF.
      guard Capability.effective.contains(.bpf) else { throw .kernel(.notPermitted, "cannot load BTF") }
      throw StaticKeysError(.unsupported, "libbpf gives no function records: this kernel takes no BTF")
    }
    let btf = BTFObject(borrowing: raw)
    let branches = try btf.branches()
    return try Self.places(functionInfo, btf) { type, function, start throws(StaticKeysError) in
      try (branches[type] ?? []).map { branch throws(StaticKeysError) in
        guard let site = BranchSite(branch: branch, function: function, functionStart: start) else {
          throw StaticKeysError(.badSite, "'\(branch.tag)' lies beyond any program")
        }
        return site
      }
    }.sorted { $0.insn < $1.insn }
  }

  /// The places of constants in all functions that libbpf put into the program.
  private func immediates(_ functionInfo: ProgramTemplate.InfoRecords) throws(StaticKeysError) -> [ImmediateSite] {
    guard let object, let raw = bpf_object__btf(object) else { return [] }
    let btf = BTFObject(borrowing: raw)
    let immediates = try btf.immediates()
    return try Self.places(functionInfo, btf) { type, function, start throws(StaticKeysError) in
      try (immediates[type] ?? []).map { immediate throws(StaticKeysError) in
        guard let site = ImmediateSite(immediate: immediate, function: function, functionStart: start) else {
          throw StaticKeysError(.badSite, "'\(immediate.tag)' lies beyond any program")
        }
        return site
      }
    }.sorted { $0.insn < $1.insn }
  }

  /// What `body` gives for each function of the program, by the id of its FUNC, its name and where it starts.
  private static func places<Site>(
    _ functionInfo: ProgramTemplate.InfoRecords, _ btf: borrowing BTFObject,
    _ body: (UInt32, String, InsnOffset) throws(StaticKeysError) -> [Site]
  ) throws(StaticKeysError) -> [Site] {
    var sites: [Site] = []
    for index in 0..<functionInfo.count {
      let fields = functionInfo.words(ofRecord: index, count: 2)
      guard fields.count == 2 else { throw StaticKeysError(.malformed, "libbpf's function records are too short") }
      sites += try body(fields[1], btf.functionName(fields[1]) ?? "?", InsnOffset(fields[0]))
    }
    return sites
  }

  /// What a program's keys and constants are to be from the start.
  func firstValues(of template: ProgramTemplate) -> (keys: KeyValues, immediates: ImmediateValues) {
    template.firstValues(wanted: wanted)
  }

  /// Writes the sites' wanted states and the constants' values into the instructions that libbpf is about to load.
  private func setStates(of program: ObjectProgram, _ template: ProgramTemplate) throws(StaticKeysError) -> Int32 {
    let values = firstValues(of: template)
    var instructions = program.instructions
    try template.setSites(of: &instructions, values: values.keys, form: form)
    try template.setImmediates(of: &instructions, values: values.immediates)
    return instructions.flatMap { $0.bytes(order: .host) }.withUnsafeBytes { bytes in
      let first = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: bpf_insn.self)
      return bpf_program__set_insns(program.raw, first, instructions.count)
    }
  }
}

extension ProgramTemplate.InfoRecords {
  /// A copy of records that libbpf owns.
  init(size: UInt32, count: UInt32, at address: UnsafeRawPointer?) {
    let bytes = UnsafeRawBufferPointer(start: address, count: address == nil ? 0 : Int(size) * Int(count))
    self.init(size: Int(size), bytes: Array(bytes))
  }
}

extension ProgramTemplate {
  /// What the program's keys and constants are to be from the start: the wanted values or the object's.
  func firstValues(
    wanted: (keys: KeyValues, immediates: ImmediateValues)
  ) -> (keys: KeyValues, immediates: ImmediateValues) {
    let keys = defaults
    let immediates = immediateDefaults
    return (
      keys.merging(wanted.keys.filter { keys[$0.key] != nil }) { $1 },
      immediates.merging(wanted.immediates.filter { immediates[$0.key] != nil }) { $1 }
    )
  }
}
