// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// Finds the programs that carry a template by walking those of the kernel: nothing is kept anywhere else.
///
/// Requires CAP_SYS_ADMIN (`BPF_PROG_GET_NEXT_ID`) and Linux 5.10.
struct Discovery {
  let system: BPFSystem
  private let store: InstanceStore
  private var templates: [UInt32: Result<ProgramTemplate, StaticKeysError>] = [:]
  private var otherMaps: Set<UInt32> = []

  init(system: BPFSystem) {
    self.system = system
    store = InstanceStore(system: system)
  }

  /// All programs with a template, those that are only being loaded among them; of several variants of one program not
  /// what only a severed link keeps: it never runs again.
  static func inventory(system: BPFSystem) throws(StaticKeysError) -> Inventory {
    var inventory = try walk(system: system)
    let doubtful = Dictionary(grouping: inventory.programs, by: ProgramIdentity.init).values.filter { $0.count > 1 }
    // Where nothing has been replaced the walk over all links is not worth it.
    guard !doubtful.isEmpty else { return inventory }
    let attachments = try AttachmentIndex(system: system, of: Array(doubtful.joined()))
    inventory.remove(doubtful.joined().filter { attachments.isSevered($0.id) })
    return inventory
  }

  /// All programs with a template, whatever holds them, and whether or not they will ever run.
  static func walk(system: BPFSystem) throws(StaticKeysError) -> Inventory {
    var discovery = Discovery(system: system)
    var programs: [ManagedProgram] = []
    var unreadable: [UnreadableProgram] = []
    let ids: [UInt32]
    do throws(Errno) {
      ids = try system.ids(of: .program)
    } catch {
      throw .kernel(error, "cannot list the kernel's programs", needs: [.sysAdmin])
    }
    let counter = ProgressCounter(.reading, of: ids.count, on: system)
    for id in ids {
      counter.step()
      do throws(StaticKeysError) {
        if let program = try discovery.program(id: id) { programs.append(program) }
      } catch {
        let error = error.located(at: Place(program: "id \(id)"))
        // What the kernel would not tell may be one of the programs asked for: going on without it would be wrong.
        guard
          error.code == .corruptedTemplate || error.code == .futureVersion || error.code == .pastVersion
            || error.code == .badSite
        else {
          throw error
        }
        unreadable.append(UnreadableProgram(id: id, error: error))
      }
    }
    return Inventory(programs: programs, unreadable: unreadable)
  }

  /// The program of this id, or nil if it is gone, carries no template, or is still being made: the instance is the last
  /// map that is tied to a program.
  mutating func program(id: UInt32) throws(StaticKeysError) -> ManagedProgram? {
    let program: SharedFD
    let found: (info: bpf_prog_info, mapIDs: [UInt32], carriers: [Carrier])
    do throws(Errno) {
      guard let fd = try system.object(.program, id: id) else { return nil }
      let info = try system.rawInfo(ofProgram: fd)
      guard info.nr_map_ids >= 2 else { return nil }
      let mapIDs = try system.mapIDs(ofProgram: fd)
      program = fd
      found = (info, mapIDs, try carriers(among: mapIDs))
    } catch {
      throw .kernel(error, "cannot read the program", needs: [.sysAdmin])
    }
    guard !found.carriers.isEmpty else { return nil }
    let templates = found.carriers.filter { $0.name == InstanceStore.templateMapName }
    let instances = found.carriers.filter { $0.name == InstanceStore.instanceMapName }
    if templates.count == 1, instances.isEmpty { return nil }
    guard templates.count == 1, instances.count == 1 else {
      throw StaticKeysError(.corruptedTemplate, "it must carry one template and one instance")
    }
    let template = try template(in: templates[0])
    var instance = try ProgramInstance(
      decoding: store.bytes(ofMap: instances[0].map, info: instances[0].info), for: template)
    guard Set(instance.mapIDs).isSubset(of: found.mapIDs) else {
      throw StaticKeysError(.corruptedTemplate, "the instance names maps that the program does not hold")
    }
    let states = try states(of: program, template, instance)
    // In native form the kernel alone knows the values; those of the instance are of the time when it was loaded.
    instance.values.merge(template.values(in: states)) { $1 }
    return ManagedProgram(
      id: id, tag: hex(found.info.tag), btfID: found.info.btf_id, mapIDs: found.mapIDs,
      templateMapID: templates[0].info.id, instanceMapID: instances[0].info.id, template: template, instance: instance,
      states: states)
  }

  private func states(
    of program: SharedFD, _ template: ProgramTemplate, _ instance: ProgramInstance
  ) throws(StaticKeysError) -> SiteStates {
    guard instance.form == .native else { return template.states(under: instance.values) }
    guard let interface = StaticBranchInterface.current else {
      throw StaticKeysError(.corruptedTemplate, "it says that its sites are native, which this kernel does not know")
    }
    var states: SiteStates = [:]
    do throws(Errno) {
      for branch in try system.branches(of: program, through: interface) {
        states[InsnOffset(branch.insn_off)] = branch.current_off == 0 ? .nop : .jump
      }
    } catch {
      throw .kernel(error, "cannot read its static branches", needs: [.bpf])
    }
    guard template.sites.allSatisfy({ states[$0.insn] != nil || $0.jumpOffset == 0 }) else {
      throw StaticKeysError(.corruptedTemplate, "the kernel does not know all the sites that its template names")
    }
    // A site whose two arms are one follows the others of its key; where there are none, it is as it was loaded.
    let values = instance.values.merging(template.values(in: states)) { $1 }
    return states.merging(template.states(under: values)) { kernel, _ in kernel }
  }

  /// A map that by its name is a template or an instance.
  private struct Carrier {
    let name: String
    let map: SharedFD
    let info: bpf_map_info
  }

  private mutating func carriers(among mapIDs: [UInt32]) throws(Errno) -> [Carrier] {
    var found: [Carrier] = []
    for id in mapIDs where !otherMaps.contains(id) {
      guard let map = try system.object(.map, id: id) else { continue }
      let info = try system.rawInfo(ofMap: map)
      let name = text(in: info.name)
      if name == InstanceStore.templateMapName || name == InstanceStore.instanceMapName {
        found.append(Carrier(name: name, map: map, info: info))
      } else {
        otherMaps.insert(id)
      }
    }
    return found
  }

  private mutating func template(in carrier: Carrier) throws(StaticKeysError) -> ProgramTemplate {
    if let known = templates[carrier.info.id] { return try known.get() }
    let store = self.store
    let result = Result { () throws(StaticKeysError) in
      try ProgramTemplate(decoding: store.bytes(ofMap: carrier.map, info: carrier.info))
    }
    templates[carrier.info.id] = result
    return try result.get()
  }
}

/// The bytes of a fixed C array in hex.
func hex<T>(_ field: T) -> String {
  withUnsafeBytes(of: field) { bytes in
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
