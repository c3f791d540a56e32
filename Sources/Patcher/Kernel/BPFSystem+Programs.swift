// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import StaticKeys
import SystemPackage

/// Why BPF_PROG_LOAD failed: the errno, and what the verifier said.
struct LoadFailure: Error {
  let errno: Errno
  let log: String
}

extension BPFSystem {
  /// Loads a program from a template. The C function is `bpf_prog_load`, which asks for the log only after a refusal.
  func load(
    _ template: ProgramTemplate, instructions: [Instruction], btf: SharedFD?
  ) throws(LoadFailure) -> SharedFD {
    let bytes = instructions.flatMap { $0.bytes(order: .host) }
    let log = VerifierLogBuffer()
    var opts = bpf_prog_load_opts()
    opts.sz = MemoryLayout<bpf_prog_load_opts>.size
    opts.expected_attach_type = bpf_attach_type(template.expectedAttachType)
    opts.prog_flags = template.flags
    opts.kern_version = template.kernelVersion
    opts.attach_btf_id = template.attachBTFID
    opts.func_info_rec_size = UInt32(template.functionInfo.size)
    opts.func_info_cnt = UInt32(template.functionInfo.count)
    opts.line_info_rec_size = UInt32(template.lineInfo.size)
    opts.line_info_cnt = UInt32(template.lineInfo.count)
    opts.log_buf = log.start
    opts.log_size = UInt32(log.size)
    do {
      return try open(.programLoad) {
        bytes.withUnsafeBytes { insns in
          template.functionInfo.bytes.withUnsafeBytes { functions in
            template.lineInfo.bytes.withUnsafeBytes { lines in
              opts.func_info = functions.baseAddress
              opts.line_info = lines.baseAddress
              let first = insns.baseAddress?.assumingMemoryBound(to: bpf_insn.self)
              func load() -> Int32 {
                bpf_prog_load(
                  bpf_prog_type(template.type), template.name, template.license, first, instructions.count, &opts)
              }
              guard let btf else { return load() }
              return btf.withRaw {
                opts.prog_btf_fd = UInt32(bitPattern: $0)
                return load()
              }
            }
          }
        }
      }
    } catch {
      throw LoadFailure(errno: error, log: log.text)
    }
  }

  /// Ties a map to a program for as long as that lives. Requires Linux 5.10. The C function is `bpf_prog_bind_map`.
  func bind(map: SharedFD, toProgram program: SharedFD) throws(Errno) {
    _ = try call(.programBindMap) { program.withRaw { program in map.withRaw { bpf_prog_bind_map(program, $0, nil) } } }
  }
}
