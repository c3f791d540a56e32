// SPDX-License-Identifier: Apache-2.0

import CLibELF
import StaticKeys

extension ObjectFile {
  /// The ELF header of a relocatable 64-bit BPF object.
  static func checkedHeader(_ handle: borrowing ELFHandle) throws(StaticKeysError) -> GElf_Ehdr {
    var header = GElf_Ehdr()
    guard gelf_getehdr(handle.elf, &header) != nil else {
      throw StaticKeysError(.malformed, "the ELF header is not readable: \(ELFHandle.lastError)")
    }
    guard Int32(header.e_machine) == EM_BPF else {
      throw StaticKeysError(
        .notBPFObject, "made for \(machineName(header.e_machine)), not for BPF",
        advice: "compile it with clang -target bpf")
    }
    guard gelf_getclass(handle.elf) == ELFCLASS64 else {
      throw StaticKeysError(.malformed, "a 32-bit ELF file, but BPF objects are 64-bit")
    }
    guard Int32(header.e_type) == ET_REL else {
      throw StaticKeysError(
        .notBPFObject, "not a relocatable object (ELF type \(header.e_type))", advice: "compile it with clang -c")
    }
    return header
  }

  private static func machineName(_ machine: UInt16) -> String {
    switch Int32(machine) {
    case EM_386: "i386"
    case EM_X86_64: "x86-64"
    case EM_ARM: "arm"
    case EM_AARCH64: "arm64"
    case EM_RISCV: "riscv"
    case EM_S390: "s390"
    case EM_PPC64: "ppc64"
    case EM_LOONGARCH: "loongarch"
    default: "machine \(machine)"
    }
  }
}
