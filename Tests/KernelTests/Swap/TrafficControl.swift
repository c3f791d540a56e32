// SPDX-License-Identifier: Apache-2.0

import TestSupport

extension NetNS {
  /// Runs a command line in this namespace; its words are what spaces part.
  @discardableResult
  func run(_ line: String) throws -> String {
    try TestSupport.run(command(line.split(separator: " ").map(String.init))).checked().stdout
  }

  /// The filters on one side of a device, as tc tells of them.
  func filters(_ device: String, _ side: String) throws -> [Filter] {
    try JSON(parsing: run("tc -j filter show dev \(device) \(side)")).array.compactMap(Filter.init)
  }

  /// The id of the program on a device's XDP hook, as ip tells; nil if there is none.
  func xdpProgram(_ device: String) throws -> UInt32? {
    let text = try run("ip -j -d link show dev \(device)")
    return try JSON(parsing: text)[0]?["xdp"]?["prog"]?["id"]?.int.map(UInt32.init)
  }

  /// How a device's XDP hook runs its program, as ip numbers it: 1 in the driver, 2 generic.
  func xdpMode(_ device: String) throws -> Int? {
    try JSON(parsing: run("ip -j -d link show dev \(device)"))[0]?["xdp"]?["mode"]?.int
  }
}

/// A tc filter.
struct Filter: Hashable {
  /// All that tc tells of it but its program.
  let settings: JSON
  let program: UInt32

  fileprivate init?(_ json: JSON) {
    guard case .object(var fields) = json, case .object(var options)? = fields["options"],
      let id = options.removeValue(forKey: "prog")?["id"]?.int
    else { return nil }
    fields["options"] = .object(options)
    settings = .object(fields)
    program = UInt32(id)
  }
}
