// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// A collection as it stands, for an object that is to join it or to take its place.
struct RunningCollection: Sendable {
  let name: String
  /// Its programs, all variants of each.
  let programs: [ManagedProgram]
  /// Its maps, by the names of their pins.
  let maps: [String: SharedFD]

  init(_ name: String, system: BPFSystem) throws(StaticKeysError) {
    self.name = name
    programs = try Discovery.inventory(system: system).programs.filter { $0.instance.collection == name }
    guard programs.allSatisfy({ $0.instance.name == nil }) else {
      throw StaticKeysError(
        .unsupported, "the collection '\(name)' has instances, which cannot be joined or replaced by an object",
        advice: "add instances with --instance; or unload those there are and load new ones")
    }
    var maps: [String: SharedFD] = [:]
    let directory = CollectionStore.directory(of: .maps, in: name)
    for entry in BPFFS.entries(of: directory) {
      do throws(Errno) {
        maps[entry.name] = try system.openPin(directory.appending(entry.name))
      } catch {
        throw .kernel(error, "cannot open the map", at: Place(file: directory.appending(entry.name).string))
      }
    }
    self.maps = maps
  }

  /// The values that its keys have; nil for one that is on in some programs and off in others.
  var values: [KeyName: Bool?] {
    var values: [KeyName: Bool?] = [:]
    for program in programs {
      for key in program.template.keys {
        let value = program.value(of: key.name)
        if let known = values[key.name] {
          if known != value { values[key.name] = .some(nil) }
        } else {
          values[key.name] = .some(value)
        }
      }
    }
    return values
  }
}

/// What an object gets from a collection that runs: values of its keys, and maps.
struct Inheritance: Sendable {
  /// Values by key; nil where there is no one value.
  var values: [KeyName: Bool?] = [:]
  var maps: MapSharing?

  /// What an object gets that joins no collection.
  static let nothing = Inheritance()

  /// The values of an object's keys before what the user sets.
  func values(of keys: [KeyName]) -> KeyValues {
    KeyValues(uniqueKeysWithValues: keys.compactMap { key in (values[key] ?? nil).map { (key, $0) } })
  }

  /// - Throws: `.ambiguous` if there is a key among these whose value nobody tells.
  func requireValues(of keys: [KeyName], besides values: KeyValues) throws(StaticKeysError) {
    let open = keys.filter { values[$0] == nil && self.values[$0] == .some(nil) }
    guard let first = open.first else { return }
    throw StaticKeysError(
      .ambiguous,
      "on in some of the collection's programs and off in others: \(open.map(\.rawValue).joined(separator: ", "))",
      advice: "say --set \(first)=on or off, or --defaults")
  }
}
