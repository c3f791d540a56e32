// SPDX-License-Identifier: Apache-2.0

import StaticKeys

/// What an object has of static keys, as values: keys, functions and sites.
public struct ObjectSummary: Sendable {
  /// The file's name.
  public let name: String
  /// The order of its bytes.
  public let byteOrder: ByteOrder
  /// The text of its "license" section; nil if it has none.
  public let license: String?
  /// The keys that it defines, by name.
  public let keys: [StaticKey]
  /// Its functions, in the order of section and byte.
  public let functions: [ObjectFunction]
  /// Its sites, in the order of section and byte.
  public let sites: [ObjectSite]
  /// The places of its constants, in the order of section and byte.
  public let immediates: [ObjectImmediate]
  /// The C types of its constants, as far as BTF tells.
  public let constantTypes: [KeyName: ValueType]
  /// Whether its BTF describes all the sites; nil if it has no BTF.
  public let isAnnotated: Bool?

  /// The sites that a key steers.
  public func sites(of key: KeyName) -> [ObjectSite] { sites.filter { $0.branch.key == key } }

  /// The sites in a function.
  public func sites(in function: ObjectFunction) -> [ObjectSite] { sites.filter { $0.function == function } }
}

extension ObjectFile {
  private borrowing func constantTypes() -> [KeyName: ValueType] {
    let section = (try? btf())?.dataSection(named: StaticImmediate.section)
    return Dictionary(
      (section?.variables ?? []).compactMap { variable in KeyName(variable.name).map { ($0, variable.type) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// The object's keys, functions and sites. Throws what `sites()` and `annotated()` do, but not `.noBTF`.
  public borrowing func summary() throws(StaticKeysError) -> ObjectSummary {
    let isAnnotated: Bool?
    do throws(StaticKeysError) {
      isAnnotated = try self.isAnnotated()
    } catch {
      guard error.code == .noBTF else { throw error }
      isAnnotated = nil
    }
    return ObjectSummary(
      name: name, byteOrder: byteOrder, license: license, keys: keys, functions: functions, sites: try sites(),
      immediates: try immediates(), constantTypes: constantTypes(), isAnnotated: isAnnotated)
  }
}
