// SPDX-License-Identifier: Apache-2.0

import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// BPF file systems: where they are mounted, and what is pinned in them.
public enum BPFFS {
  /// Where one is mounted by custom.
  public static let defaultMountPoint: FilePath = "/sys/fs/bpf"

  /// What a pin's descriptor is.
  enum PinKind: String {
    case program = "bpf-prog"
    case map = "bpf-map"
    case link = "bpf-link"
  }

  /// The mount points of all BPF file systems that this process sees.
  static func mountPoints() -> [FilePath] { mountPoints(of: "bpf") }

  /// The mount points of all file systems of a type.
  static func mountPoints(of type: String) -> [FilePath] { mounts().filter { $0.type == type }.map(\.path) }

  /// The network namespace for which `ip netns exec` put a fresh sysfs over /sys: it names the namespace as its source.
  private static var privateSysNamespace: String? {
    mounts().last { $0.path == "/sys" && $0.type == "sysfs" }.map(\.source).flatMap { source in
      entries(of: "/run/netns").contains { $0.name == source } ? source : nil
    }
  }

  static func mounts() -> [(path: FilePath, type: String, source: String)] {
    // "36 35 0:31 / /sys/fs/bpf rw,… - bpf bpf rw": type and source follow the dash.
    let text = (try? FileText.read("/proc/self/mountinfo")) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash + 2 < words.count, dash > 4 else { return nil }
      return (FilePath(unescaped(words[4])), String(words[dash + 1]), unescaped(words[dash + 2]))
    }
  }

  /// A word of /proc's tables of mounts, which have spaces, tabs, line ends and backslashes as `\040` and its like.
  static func unescaped(_ word: some StringProtocol) -> String {
    let bytes = Array(word.utf8)
    var plain: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let digits = bytes[(index + 1)...].prefix(3)
      if bytes[index] == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        plain.append(code)
        index += 4
      } else {
        plain.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: plain, as: UTF8.self)
  }

  /// Mounts one at the custom place, unless there is one already.
  public static func mountIfNeeded(system: BPFSystem) throws(StaticKeysError) {
    guard !mountPoints().contains(defaultMountPoint) else { return }
    if let namespace = privateSysNamespace {
      throw StaticKeysError(
        .usage, "this process sees a /sys of its own, as 'ip netns exec \(namespace)' gives it: pins would die with it",
        at: Place(file: defaultMountPoint.string),
        advice: "run it outside and name the device as DEV@\(namespace), or use 'nsenter --net=/run/netns/\(namespace)'"
      )
    }
    do throws(Errno) {
      // Of several first runs one mounts it, and the others find it there.
      let lock = try system.lock(directory: defaultMountPoint)
      if !mountPoints().contains(defaultMountPoint) { try system.mountBPFFS(at: defaultMountPoint) }
      withExtendedLifetime(lock) {}
    } catch {
      throw .kernel(
        error, "cannot mount a BPF file system", at: Place(file: defaultMountPoint.string), needs: [.sysAdmin])
    }
  }

  /// The paths of everything that is pinned anywhere, each pin once: a file system may be mounted at several places.
  static func pins() -> [FilePath] {
    var seen: Set<FileIdentity> = []
    return mountPoints().flatMap { files(under: $0, depth: 16) }.filter { path in
      FileIdentity(of: path).map { seen.insert($0).inserted } ?? false
    }
  }

  /// The names in a directory; none where it cannot be read.
  static func entries(of directory: FilePath) -> [(name: String, isDirectory: Bool)] {
    guard let stream = opendir(directory.string) else { return [] }
    defer { closedir(stream) }
    var entries: [(name: String, isDirectory: Bool)] = []
    while let entry = readdir(stream) {
      let name = text(in: entry.pointee.d_name)
      if name != "." && name != ".." { entries.append((name, entry.pointee.d_type == UInt8(DT_DIR))) }
    }
    return entries
  }

  private static func files(under directory: FilePath, depth: Int) -> [FilePath] {
    guard depth > 0 else { return [] }
    return entries(of: directory).flatMap { entry in
      let path = directory.appending(entry.name)
      return entry.isDirectory ? files(under: path, depth: depth - 1) : [path]
    }
  }

  /// Whether a descriptor is a program, a map or a link: the kernel tells by its link in /proc alone.
  static func kind(of fd: SharedFD) -> PinKind? {
    var buffer = [CChar](repeating: 0, count: 64)
    let length = fd.withRaw { readlink("/proc/self/fd/\($0)", &buffer, buffer.count) }
    guard length > 0 else { return nil }
    let target = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard target.hasPrefix("anon_inode:") else { return nil }
    // Kernels have "bpf_link" or "bpf-link".
    return PinKind(rawValue: String(target.dropFirst("anon_inode:".count).map { $0 == "_" ? "-" : $0 }))
  }
}

/// What makes two paths the same file.
struct FileIdentity: Hashable {
  let device: dev_t
  let inode: ino_t

  /// nil if the file is gone.
  init?(of path: FilePath) {
    var status = stat()
    guard stat(path.string, &status) == 0 else { return nil }
    device = status.st_dev
    inode = status.st_ino
  }

  init?(of file: SharedFD) {
    var status = stat()
    guard file.withRaw({ fstat($0, &status) }) == 0 else { return nil }
    device = status.st_dev
    inode = status.st_ino
  }
}
