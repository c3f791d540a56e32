// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

extension HeldNamespace {
  /// Shows `body` every network namespace that can be found, once: the present one, those with a name, those that a process
  /// is in.
  ///
  /// One that only an open file or a mount elsewhere keeps is not among them.
  /// - Throws: `.permission` or `.kernel`, and what `body` throws.
  static func forEach(
    system: BPFSystem, _ body: (HeldNamespace) throws(StaticKeysError) -> Void
  ) throws(StaticKeysError) {
    let present = FileIdentity(of: "/proc/thread-self/ns/net")
    var seen: Set<FileIdentity> = []
    if let present { seen.insert(present) }
    let named = BPFFS.entries(of: NetworkNamespace.directory).map {
      ($0.name, NetworkNamespace.directory.appending($0.name))
    }
    let processes = BPFFS.entries(of: "/proc").filter { UInt32($0.name) != nil }.map { process in
      ("/proc/\(process.name)/ns/net", FilePath("/proc/\(process.name)/ns/net"))
    }
    try body(try NetworkNamespace(nil).hold(system: system))
    for (name, path) in named.sorted(by: { $0.0 < $1.0 }) + processes {
      // A name whose namespace is gone is a plain file, on another device.
      guard let identity = FileIdentity(of: path), identity.device == present?.device else { continue }
      guard seen.insert(identity).inserted else { continue }
      let namespace: HeldNamespace
      do throws(StaticKeysError) {
        namespace = try NetworkNamespace(name).hold(system: system)
      } catch {
        // Gone since it was seen.
        guard error.code == .notFound else { throw error }
        continue
      }
      try body(namespace)
    }
  }
}
