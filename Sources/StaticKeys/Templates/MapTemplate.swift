// SPDX-License-Identifier: Apache-2.0

/// All that it takes to make a map as the object's own loading would: `struct bpf_map_def` and its content.
public struct MapTemplate: Hashable, Sendable {
  /// The map's C name or, where it is a section of variables, that section's, such as ".rodata".
  public var name: String
  /// Whether it holds a section of variables. The kernel's name for such a map begins with the collection's.
  public var isSection: Bool
  /// `enum bpf_map_type`.
  public var type: UInt32
  /// In bytes.
  public var keySize: UInt32
  /// In bytes.
  public var valueSize: UInt32
  /// How many; 0 for a perf event array that is to have one for each CPU.
  public var maxEntries: UInt32
  /// `BPF_F_*` of BPF_MAP_CREATE.
  public var flags: UInt32
  /// Where the memory is, if the flags say that this counts.
  public var numaNode: UInt32
  /// `map_extra` of BPF_MAP_CREATE.
  public var extra: UInt64
  /// The type of its keys in the template's BTF; 0 for none.
  public var keyType: UInt32
  /// The type of its values in the template's BTF; 0 for none.
  public var valueType: UInt32
  /// The content of a section of variables; empty for zeros, and for other maps.
  public var content: [UInt8]
  /// Whether nobody may change it any more once it has its content.
  public var isFrozen: Bool
  /// What the maps in it are like, if it is a map of maps: one at the most.
  public var inner: [MapTemplate]

  /// A map without content.
  public init(
    name: String, isSection: Bool = false, type: UInt32, keySize: UInt32, valueSize: UInt32, maxEntries: UInt32,
    flags: UInt32 = 0, numaNode: UInt32 = 0, extra: UInt64 = 0, keyType: UInt32 = 0, valueType: UInt32 = 0,
    content: [UInt8] = [], isFrozen: Bool = false, inner: [MapTemplate] = []
  ) {
    self.name = name
    self.isSection = isSection
    self.type = type
    self.keySize = keySize
    self.valueSize = valueSize
    self.maxEntries = maxEntries
    self.flags = flags
    self.numaNode = numaNode
    self.extra = extra
    self.keyType = keyType
    self.valueType = valueType
    self.content = content
    self.isFrozen = isFrozen
    self.inner = inner
  }

  /// The name that libbpf gives the map in an object of this name: "flowmon.bss" for ".bss", and ".data.config" as it is.
  public func name(in collection: String) -> String {
    guard isSection, !name.dropFirst().contains(".") else { return name }
    // The kernel keeps 15 characters, of which the section's name has at least 7.
    let prefix = collection.prefix(max(0, 15 - max(7, name.utf8.count)))
    return String((prefix + name).map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "." ? $0 : "_" })
  }
}
