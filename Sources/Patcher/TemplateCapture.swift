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
struct CapturedProgram {
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
  private let wanted: KeyValues
  private let form: SiteForm
  /// libbpf's object, once it is open.
  var object: OpaquePointer?
  /// The templates taken, by program name.
  private(set) var programs: [String: CapturedProgram] = [:]
  /// What the hook failed with; libbpf only passes on a number.
  private(set) var failure: StaticKeysError?
  /// The program that came by last: the one that failed, if loading failed.
  private(set) var current: String?

  init(system: BPFSystem, license: String, wanted: KeyValues, form: SiteForm) {
    self.system = system
    self.license = license
    self.wanted = wanted
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
      mapSlots: mapIDs.count, sites: try sites(functionInfo))
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
      throw StaticKeysError(.unsupported, "libbpf gives no function records: this kernel takes no BTF")
    }
    let btf = BTFObject(borrowing: raw)
    let branches = try btf.branches()
    var sites: [BranchSite] = []
    for index in 0..<functionInfo.count {
      let fields = functionInfo.words(ofRecord: index, count: 2)
      guard fields.count == 2 else { throw StaticKeysError(.malformed, "libbpf's function records are too short") }
      for branch in branches[fields[1]] ?? [] {
        guard
          let site = BranchSite(
            branch: branch, function: btf.functionName(fields[1]) ?? "?", functionStart: InsnOffset(fields[0]))
        else { throw StaticKeysError(.badSite, "'\(branch.tag)' lies beyond any program") }
        sites.append(site)
      }
    }
    return sites.sorted { $0.insn < $1.insn }
  }

  /// Writes the sites' wanted states into the instructions that libbpf is about to load.
  private func setStates(of program: ObjectProgram, _ template: ProgramTemplate) throws(StaticKeysError) -> Int32 {
    let values = template.defaults.merging(wanted.filter { template.defaults[$0.key] != nil }) { $1 }
    var instructions = program.instructions
    try template.setSites(of: &instructions, values: values, form: form)
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
