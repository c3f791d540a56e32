// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import Glibc
import StaticKeys

/// Prints bytes as the C type that BTF says they are, with libbpf's `btf_dump`.
struct TypePrinter: ~Copyable {
  let btf: OpaquePointer
  private let dump: OpaquePointer
  private let output: Output

  /// A printer for the types of the BTF object that the kernel knows by this id.
  init(btfID: UInt32) throws(StaticKeysError) {
    guard let btf = btf__load_from_kernel_by_id(btfID) else {
      throw StaticKeysError(.noBTF, "cannot read BTF object \(btfID) from the kernel", errno: errno)
    }
    let output = Output()
    let context = Unmanaged.passUnretained(output).toOpaque()
    guard let dump = btf_dump__new(btf, Output.append, context, nil) else {
      btf__free(btf)
      throw StaticKeysError(.kernel, "cannot make a printer of BTF types", errno: errno)
    }
    self.btf = btf
    self.dump = dump
    self.output = output
  }

  deinit {
    btf_dump__free(dump)
    btf__free(btf)
  }

  /// `bytes` as a value of type `type`, on one line.
  func text(of type: UInt32, _ bytes: [UInt8]) throws(StaticKeysError) -> String {
    var options = btf_dump_type_data_opts()
    // Up to the last member and no further: libbpf wants zeroes behind it, and padding holds anything.
    options.sz = MemoryLayout.offset(of: \btf_dump_type_data_opts.emit_zeroes).map { $0 + 1 } ?? 0
    options.compact = true
    output.text = ""
    let error = btf_dump__dump_type_data(dump, type, bytes, bytes.count, &options)
    guard error >= 0 else {
      throw StaticKeysError(
        .malformed, "\(bytes.count) bytes are no value of BTF type \(type)", errno: -error)
    }
    return output.text
  }
}

extension TypePrinter {
  /// Collects what libbpf prints piece by piece.
  private final class Output {
    var text = ""

    static let append: btf_dump_printf_fn_t = { context, format, arguments in
      guard let context, let format, let arguments else { return }
      // libbpf prints a name, a number or a bracket at a time.
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { piece in
        guard let start = piece.baseAddress, vsnprintf(start, piece.count, format, arguments) >= 0 else { return }
        Unmanaged<Output>.fromOpaque(context).takeUnretainedValue().text += String(cString: start)
      }
    }
  }
}
