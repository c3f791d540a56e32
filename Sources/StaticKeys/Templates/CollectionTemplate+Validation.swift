// SPDX-License-Identifier: Apache-2.0

extension CollectionTemplate {
  /// Checks that the parts fit together, so that whoever uses the template need not.
  ///
  /// - Throws: `.corruptedTemplate` or `.badSite`, with the place.
  public func validate() throws(StaticKeysError) {
    try Self.require(!programs.isEmpty, "has no programs")
    try Self.require(!btf.isEmpty, "has no type information")
    try Self.require(Self.isName(object), "its object has no proper name")
    try Self.require(keys.count == Set(keys.map(\.name)).count, "names a key twice")
    try Self.require(maps.count == Set(maps.map(\.name)).count, "names a map twice")
    try Self.require(programs.count == Set(programs.map(\.template.name)).count, "names a program twice")
    for map in maps { try Self.check(map) }
    for program in programs {
      try located(at: Place(program: program.template.name)) { () throws(StaticKeysError) in try check(program) }
    }
  }

  private static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(StaticKeysError) {
    guard condition else { throw StaticKeysError(.corruptedTemplate, message()) }
  }

  /// The kernel's BPF_MAP_TYPE_ARRAY.
  private static let arrayMapType: UInt32 = 2

  private static func check(_ map: MapTemplate) throws(StaticKeysError) {
    try require(isName(map.name), "a map has no proper name")
    let what = "the map \(map.name)"
    try require(map.isSection || !map.name.hasPrefix("."), "\(what) has the name of a section")
    // Whoever reads or writes the content relies on its size being all there is to a value.
    try require(
      !map.isSection || map.type == arrayMapType && map.keySize == 4 && map.maxEntries == 1,
      "\(what) is a section, but no array of one value")
    try require(map.isSection || map.content.isEmpty && !map.isFrozen, "\(what) has content, but is no section")
    try require(
      map.content.isEmpty || map.content.count == Int(map.valueSize), "\(what) has content of another size")
    try require(map.inner.count <= 1, "\(what) has several kinds of inner maps")
    for inner in map.inner {
      try require(inner.inner.isEmpty && !inner.isSection, "\(what) has an inner map that none can be")
      try check(inner)
    }
  }

  private func check(_ program: Program) throws(StaticKeysError) {
    try program.template.validate()
    try Self.require(Self.isName(program.template.name), "a program has no proper name")
    try Self.require(Self.isText(program.section) && Self.isText(program.template.license), "a name is no text")
    try Self.require(program.slots.count == program.template.mapSlots, "its map slots are not those of its template")
    try Self.require(
      (program.slots + program.tied).allSatisfy { maps.indices.contains($0) }, "names a map that there is not")
    let defined = Dictionary(keys.map { ($0.name, $0.defaultValue) }, uniquingKeysWith: { first, _ in first })
    for key in program.template.keys {
      try Self.require(defined[key.name] == key.defaultValue, "uses the key \(key.name), which is not defined so")
    }
  }

  /// Whether a text can be the name of a file in bpffs and of an object in the kernel, which cuts it at 15 characters.
  private static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= 255 && isText(text) }

  /// C ends a text at a zero, and a terminal obeys what controls it.
  private static func isText(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
}
