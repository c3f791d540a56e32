// SPDX-License-Identifier: Apache-2.0

import BTFMeta
import CLibBPF
import StaticKeys
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension TracingHook {
  /// Attaches a program by new links: one, or for perf events one for each CPU.
  ///
  /// - Throws: `.notFound` for a hook that this kernel or file does not have, `.unsupported` on a kernel without such
  ///   links, `.permission`, `.kernel`.
  func attach(_ program: OpenProgram, system: BPFSystem) throws(StaticKeysError) -> [SharedFD] {
    let place = Place(program: program.program.name)
    switch self {
    case .rawTracepoint(let name): return [try attach(program, toRawTracepoint: name, system: system)]
    case .target(let target):
      do throws(Errno) {
        let type = target.attachType.rawValue
        return [try system.createLink(program: program.fd, target: 0, attachType: type)]
      } catch {
        throw .kernel(error, "cannot attach it to \(self)", at: place, needs: [.perfmon, .bpf])
      }
    case .perfEvent(let event):
      guard let attributes = event.attributes else { return [] }
      var links: [SharedFD] = []
      for cpu in try Self.onlineCPUs() {
        links.append(try attach(program, to: attributes, cpu: cpu, system: system))
      }
      return links
    case .tracepoint(let category, let name):
      let id = try TraceFS.id(ofTracepoint: name, in: category)
      let attributes = PerfEventAttributes(type: PERF_TYPE_TRACEPOINT.rawValue, config: UInt64(id))
      return [try attach(program, to: attributes, cpu: 0, system: system)]
    case .kprobe(let function, let offset, let isReturn):
      var attributes = try Self.probe("kprobe", isReturn: isReturn)
      attributes.text = function
      attributes.offset = offset
      return [try attach(program, to: attributes, cpu: 0, system: system)]
    case .uprobe(let file, let location, let isReturn):
      var attributes = try Self.probe("uprobe", isReturn: isReturn)
      let path = try Self.path(of: file)
      attributes.text = path.string
      attributes.offset = try Self.offset(of: location, in: path)
      return [try attach(program, to: attributes, cpu: 0, system: system)]
    }
  }

  private func attach(
    _ program: OpenProgram, toRawTracepoint name: String, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    let place = Place(program: program.program.name)
    do throws(Errno) {
      return try system.openRawTracepoint(name, program: program.fd)
    } catch .noSuchFileOrDirectory {
      throw StaticKeysError(
        .notFound, "there is no raw tracepoint '\(name)'", at: place, errno: Errno.noSuchFileOrDirectory.rawValue,
        advice: "tracefs has the tracepoints in events/; sys_enter and sys_exit are those of all system calls")
    } catch {
      throw .kernel(error, "cannot attach it to \(self)", at: place, needs: [.perfmon, .bpf])
    }
  }

  private func attach(
    _ program: OpenProgram, to attributes: PerfEventAttributes, cpu: Int32, system: BPFSystem
  ) throws(StaticKeysError) -> SharedFD {
    let place = Place(program: program.program.name)
    let event: SharedFD
    do throws(Errno) {
      event = try system.openPerfEvent(attributes, cpu: cpu)
    } catch {
      let isMissing = error == .noSuchFileOrDirectory || error == .noSuchAddressOrDevice || error == .invalidArgument
      guard isMissing || error == .notSupportedOnSocket else {
        throw .kernel(error, "cannot open \(self)", at: place, needs: [.perfmon])
      }
      throw StaticKeysError(
        .notFound, "there is no \(self) on this machine: \(error)", at: place, errno: error.rawValue)
    }
    do throws(Errno) {
      return try event.withRaw { target throws(Errno) in
        try system.createLink(program: program.fd, target: target, attachType: BPF_PERF_EVENT.rawValue)
      }
    } catch .invalidArgument {
      throw StaticKeysError(
        .unsupported, "the kernel refuses to attach it to \(self)", at: place, errno: Errno.invalidArgument.rawValue,
        advice: "links there came with Linux 5.15; the older way, an ioctl, cannot be pinned")
    } catch {
      throw .kernel(error, "cannot attach it to \(self)", at: place, needs: [.perfmon, .bpf])
    }
  }
}

extension TracingHook {
  private static let devices: FilePath = "/sys/bus/event_source/devices"

  /// The attributes of a kind of probe: sysfs tells its type, and which bit asks for the return.
  private static func probe(_ kind: String, isReturn: Bool) throws(StaticKeysError) -> PerfEventAttributes {
    let folder = devices.appending(kind)
    guard let text = try? FileText.read(folder.appending("type")), let type = UInt32(text.prefix { $0.isNumber }) else {
      throw StaticKeysError(
        .unsupported, "this kernel has no \(kind)s", at: Place(file: folder.string),
        advice: "it must be built with CONFIG_\(kind == "kprobe" ? "KPROBE" : "UPROBE")_EVENTS")
    }
    var attributes = PerfEventAttributes(type: type)
    if isReturn {
      // "config:0"
      let format = try? FileText.read(folder.appending("format").appending("retprobe"))
      guard let bit = format.flatMap({ UInt64($0.drop { !$0.isNumber }.prefix { $0.isNumber }) }), bit < 64 else {
        throw StaticKeysError(
          .unsupported, "this kernel does not tell how to ask for a return", at: Place(file: folder.string))
      }
      attributes.config = 1 << bit
    }
    return attributes
  }

  /// A file by its path or, without a slash, from PATH or the folders of libraries.
  static func path(of file: String) throws(StaticKeysError) -> FilePath {
    guard !file.contains("/") else {
      guard let real = realpath(file, nil) else {
        throw StaticKeysError(.notFound, "there is no file '\(file)'", errno: errno)
      }
      defer { free(real) }
      return FilePath(platformString: real)
    }
    let programs = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
    let libraries = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].flatMap { folder in
      [folder]
        + BPFFS.entries(of: FilePath(folder)).filter { $0.name.hasSuffix("-linux-gnu") }.map { "\(folder)/\($0.name)" }
    }
    for folder in file.contains(".so") ? libraries : programs {
      let candidate = FilePath(folder).appending(file)
      if access(candidate.string, R_OK) == 0 { return candidate }
    }
    throw StaticKeysError(
      .notFound, "there is no '\(file)' in \(file.contains(".so") ? "the folders of libraries" : "PATH")",
      advice: "give its whole path")
  }

  /// A place in a file, in bytes from its start.
  static func offset(of location: ProbeLocation, in path: FilePath) throws(StaticKeysError) -> UInt64 {
    switch location {
    case .file(let offset): return offset
    case .function(let name, let offset):
      let (sum, overflow) = try ExecutableFile(path: path).offset(ofFunction: name).addingReportingOverflow(offset)
      guard !overflow else { throw StaticKeysError(.usage, "\(name)+\(offset) lies beyond any file") }
      return sum
    }
  }

  /// The CPUs in use: "0-1,3".
  private static func onlineCPUs() throws(StaticKeysError) -> [Int32] {
    let path: FilePath = "/sys/devices/system/cpu/online"
    do throws(Errno) {
      let text = try FileText.read(path)
      let ranges = text.split { $0 == "," || $0 == "\n" }.map { $0.split(separator: "-").compactMap { Int32($0) } }
      return ranges.flatMap { range in
        guard let first = range.first, let last = range.last, first <= last else { return [Int32]() }
        return Array(first...last)
      }
    } catch {
      throw .kernel(error, "cannot tell which CPUs are in use", at: Place(file: path.string))
    }
  }
}
