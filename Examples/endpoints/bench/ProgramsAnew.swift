// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Foundation

/// The ways there were before: each endpoint's program is compiled with its constants, or at least opened and loaded.
struct ProgramsAnew {
  let example: String
  let headers: String
  let sample: Int
  private let folder: URL

  init(example: String, headers: String, sample: Int) throws {
    self.example = example
    self.headers = headers
    self.sample = sample
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-endpoints-\(getpid())")
  }

  /// Compiles and loads: the median of some.
  func compileAndLoad() throws -> Duration {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return median(
      try (0..<sample).map { index in
        let object = folder.appendingPathComponent("\(index).o").path
        return try time {
          try compile(to: object)
          try load(object)
        }
      })
  }

  /// Opens and loads an object that is compiled already: the median of some.
  func openAndLoad() throws -> Duration { median(try (0..<sample).map { _ in try time { try load(example + ".o") } }) }

  private func compile(to object: String) throws {
    let machine = try FileManager.default.contentsOfDirectory(atPath: "/usr/include").first {
      $0.hasSuffix("-linux-gnu")
    }
    let clang = Process()
    clang.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    clang.arguments =
      [
        ProcessInfo.processInfo.environment["CLANG"] ?? "clang", "--target=bpf", "-g", "-O2", "-std=gnu11",
        "-I\(headers)",
      ]
      + (machine.map { ["-idirafter", "/usr/include/\($0)"] } ?? []) + ["-c", example + ".c", "-o", object]
    try clang.run()
    clang.waitUntilExit()
    guard clang.terminationStatus == 0 else { throw BenchError("clang failed") }
  }

  /// What a loader does with the object of an endpoint; it is let go again.
  private func load(_ path: String) throws {
    guard let object = bpf_object__open_file(path, nil) else { throw BenchError("libbpf cannot open \(path)") }
    defer { bpf_object__close(object) }
    // libbpf before 1.3 does not know the section's name.
    if let program = bpf_object__next_program(object, nil) { bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS) }
    let status = bpf_object__load(object)
    guard status == 0 else { throw BenchError("libbpf cannot load \(path): \(String(cString: strerror(-status)))") }
  }
}
