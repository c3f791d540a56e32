// SPDX-License-Identifier: Apache-2.0

/// All that it takes to load an object's programs and maps without the object: the content of a template file.
public struct CollectionTemplate: Hashable, Sendable {
  /// The object's name, from which the collection gets its own where the user gives none.
  public var object: String
  /// The byte order of the machine that it was built on, and is for.
  public var byteOrder: ByteOrder
  /// The keys that the object defines, also those that no program uses.
  public var keys: [StaticKey]
  /// The type information of all programs and maps, as the kernel took it.
  public var btf: [UInt8]
  /// The maps, in the object's order.
  public var maps: [MapTemplate]
  /// The programs, in the object's order.
  public var programs: [Program]
  /// The kernel that it is good for; nil for any.
  public var binding: KernelBinding?

  /// A program and its place among the object's maps.
  public struct Program: Hashable, Sendable {
    /// Its ELF section, which tells where it is meant to go.
    public var section: String
    /// The program.
    public var template: ProgramTemplate
    /// For each of the program's map slots the map, by its index.
    public var slots: [Int]
    /// The maps that are tied to it though no instruction names them, by index.
    public var tied: [Int]

    /// A program from its parts.
    public init(section: String, template: ProgramTemplate, slots: [Int], tied: [Int]) {
      self.section = section
      self.template = template
      self.slots = slots
      self.tied = tied
    }
  }

  /// A template from its parts; `validate()` tells whether they fit together.
  public init(
    object: String, byteOrder: ByteOrder = .host, keys: [StaticKey], btf: [UInt8], maps: [MapTemplate],
    programs: [Program], binding: KernelBinding?
  ) {
    self.object = object
    self.byteOrder = byteOrder
    self.keys = keys
    self.btf = btf
    self.maps = maps
    self.programs = programs
    self.binding = binding
  }
}
