// SPDX-License-Identifier: Apache-2.0

/// All that it takes to load a program again with other key states.
///
/// It is taken after libbpf has linked, relocated and CO-RE-adjusted the program, and knows no map: a `ld_imm64` that
/// refers to one holds a slot number, and an instance says which map is in the slot.
public struct ProgramTemplate: Hashable, Sendable {
  /// The program's C name in full; the kernel keeps 15 characters of it.
  public var name: String
  /// `enum bpf_prog_type`.
  public var type: UInt32
  /// `enum bpf_attach_type`, as BPF_PROG_LOAD's `expected_attach_type`.
  public var expectedAttachType: UInt32
  /// `BPF_F_*` of BPF_PROG_LOAD.
  public var flags: UInt32
  /// BPF_PROG_LOAD's `kern_version`.
  public var kernelVersion: UInt32
  /// The kernel function or type a tracing program is for, by its id in vmlinux's BTF; 0 for others.
  public var attachBTFID: UInt32
  /// The licence that the object states.
  public var license: String
  /// The instructions, in whatever state the sites were when the template was taken.
  public var instructions: [Instruction]
  /// `struct bpf_func_info` records as BPF_PROG_LOAD takes them.
  public var functionInfo: InfoRecords
  /// `struct bpf_line_info` records as BPF_PROG_LOAD takes them.
  public var lineInfo: InfoRecords
  /// How many maps an instance must name.
  public var mapSlots: Int
  /// The branches, in order of their place.
  public var sites: [BranchSite]
  /// The places of constants, in order.
  public var immediates: [ImmediateSite]

  /// Records of one size, whose fields are the kernel's business but for the first, an instruction offset.
  public struct InfoRecords: Hashable, Sendable {
    /// Bytes per record.
    public var size: Int
    /// The records, one after the other, in the byte order of the machine.
    public var bytes: [UInt8]

    /// Records; `bytes` must hold a whole number of them.
    public init(size: Int, bytes: [UInt8]) {
      self.size = size
      self.bytes = bytes
    }

    /// How many records there are.
    public var count: Int { size > 0 ? bytes.count / size : 0 }
  }

  /// A template from its parts; `validate()` tells whether they fit together.
  public init(
    name: String, type: UInt32, expectedAttachType: UInt32, flags: UInt32, kernelVersion: UInt32, attachBTFID: UInt32,
    license: String, instructions: [Instruction], functionInfo: InfoRecords, lineInfo: InfoRecords, mapSlots: Int,
    sites: [BranchSite], immediates: [ImmediateSite] = []
  ) {
    self.name = name
    self.type = type
    self.expectedAttachType = expectedAttachType
    self.flags = flags
    self.kernelVersion = kernelVersion
    self.attachBTFID = attachBTFID
    self.license = license
    self.instructions = instructions
    self.functionInfo = functionInfo
    self.lineInfo = lineInfo
    self.mapSlots = mapSlots
    self.sites = sites
    self.immediates = immediates
  }

  /// The keys that steer this program, by name.
  public var keys: [StaticKey] {
    Set(sites.map { StaticKey(name: $0.key, defaultValue: $0.branch.defaultValue) }).sorted { $0.name < $1.name }
  }

  /// The value that each key of the program has in the object.
  public var defaults: KeyValues {
    KeyValues(uniqueKeysWithValues: keys.map { ($0.name, $0.defaultValue) })
  }
}

extension ProgramTemplate {
  /// The value that each constant of the program has in the object.
  public var immediateDefaults: ImmediateValues {
    ImmediateValues(immediates.map { ($0.name, $0.immediate.defaultValue) }, uniquingKeysWith: { first, _ in first })
  }
}

/// What value each key of a program has.
public typealias KeyValues = [KeyName: Bool]
