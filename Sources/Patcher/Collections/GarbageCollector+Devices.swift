// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

/// What hung on devices and cgroups that are gone.
extension GarbageCollector {
  /// Removes the instances whose programs never run again, for all that they hung on is gone.
  ///
  /// - Returns: the places of those removed.
  func collectInstances(
    _ dryRun: Bool, of programs: [ManagedProgram], _ report: inout GarbageReport
  ) throws(StaticKeysError) -> Set<String> {
    var severed: [String: [String]] = [:]
    for collection in store.names() {
      for instance in store.instances(of: collection) {
        let links = try links(in: CollectionStore.instance(instance, of: collection))
        if !links.isEmpty, links.allSatisfy(\.isSevered) { severed[collection, default: []].append(instance) }
      }
    }
    // To walk all that programs can hang on is not worth it without.
    guard !severed.isEmpty else { return [] }
    let doubtful = programs.filter { severed[$0.instance.collection] != nil }
    let attachments = try AttachmentIndex(system: system, of: doubtful)
    var dead: Set<String> = []
    for (collection, instances) in severed.sorted(by: { $0.key < $1.key }) {
      let meant = instances.filter { name in
        let own = doubtful.filter { $0.instance.collection == collection && $0.instance.name == name }
        let pins = BPFFS.entries(
          of: CollectionStore.directory(of: .programs, in: CollectionStore.instance(name, of: collection)))
        // Of a program that cannot be read nobody knows where it hangs.
        return pins.count == own.count && !own.contains { attachments.hangsOnHook($0.id) }
      }
      if !dryRun, !meant.isEmpty { try store.removeLocked(collection, instances: meant) }
      for place in meant.map({ CollectionStore.instance($0, of: collection) }) {
        dead.insert(place)
        report.removed.append(
          .init(path: CollectionStore.directory(of: place), reason: "all that its programs were on is gone"))
      }
    }
    return dead
  }

  /// Removes pins of links whose device or cgroup is gone, but those of the places that go as a whole.
  func collectSeveredLinks(
    _ dryRun: Bool, besides dead: Set<String>, _ report: inout GarbageReport
  ) throws(StaticKeysError) {
    for place in store.names().flatMap({ store.places(of: $0) }) where !dead.contains(place) {
      for link in try links(in: place) where link.isSevered {
        if !dryRun {
          do throws(Errno) { try system.unlink(link.path) } catch { throw Self.failure(error) }
        }
        report.removed.append(.init(path: link.path, reason: "what the link was on is gone"))
      }
    }
  }

  /// The links that are pinned in a place.
  private func links(in place: String) throws(StaticKeysError) -> [(path: FilePath, isSevered: Bool)] {
    let directory = CollectionStore.directory(of: .links, in: place)
    var links: [(path: FilePath, isSevered: Bool)] = []
    do throws(Errno) {
      for entry in BPFFS.entries(of: directory) where !entry.isDirectory {
        let path = directory.appending(entry.name)
        guard let pinned = try system.pinned(at: path), pinned.kind == .link else { continue }
        let info = try system.rawInfo(ofLink: pinned.fd)
        links.append((path, LinkTarget(info, kind: LinkKind(rawValue: info.type)).isGone))
      }
    } catch {
      throw Self.failure(error)
    }
    return links
  }
}
