// SPDX-License-Identifier: Apache-2.0

import CLibBPF
import TestSupport
import Testing

extension KernelTests.Engines {
  /// A kernel's BTF that has the command, with records of these sizes.
  struct MadeUpInterface: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var isKnown = false
    var changeSize: UInt32 = 8
    var recordSize: UInt32 = 24
    var members = ["nr_static_branches", "static_branch_rec_size", "static_branches"]

    /// As a file that stands for /sys/kernel/btf/vmlinux.
    var btf: [UInt8] {
      get throws {
        let btf = try #require(btf__new_empty())
        defer { btf__free(btf) }
        let number = btf__add_int(btf, "u32", 4, 0)
        #expect(btf__add_enum(btf, "bpf_cmd", 4) > 0 && btf__add_enum_value(btf, "BPF_STATIC_BRANCH_UPDATE", 37) == 0)
        #expect(btf__add_struct(btf, "bpf_static_branch", changeSize) > 0)
        #expect(btf__add_struct(btf, "bpf_static_branch_info", recordSize) > 0)
        #expect(btf__add_struct(btf, "bpf_prog_info", 64) > 0)
        for (index, member) in members.enumerated() {
          #expect(btf__add_field(btf, member, number, UInt32(index * 8 * 8), 0) == 0)
        }
        var size: UInt32 = 0
        let bytes = try #require(btf__raw_data(btf, &size))
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(size)))
      }
    }
  }

  static let madeUp = [
    MadeUpInterface(testDescription: "this one", isKnown: true),
    MadeUpInterface(testDescription: "larger changes", changeSize: 16),
    MadeUpInterface(testDescription: "larger records", recordSize: 32),
    MadeUpInterface(testDescription: "smaller records", recordSize: 16),
    MadeUpInterface(testDescription: "no record size", members: ["nr_static_branches", "static_branches"]),
  ]

  @Test(
    "an interface of the same name with records of another size is none", .requires(tool: "unshare"),
    arguments: madeUp)
  func otherLayout(_ interface: MadeUpInterface) throws {
    let probe = try JSON(parsing: KernelSaid(interface).keyctl("probe", "--json").checked().stdout)
    // The kernel behind that BTF is the one that it is.
    #expect(probe["engine"]?.string == (interface.isKnown && hasCommand ? "patch" : "reload"), "\(probe)")
    let reason = "static_branch_update: the kernel's BTF \(interface.isKnown ? "has" : "does not have") it"
    let refused = interface.isKnown && !hasCommand ? ", but a static branch does not load: " : ""
    #expect(probe["engine_reason"]?.string?.hasPrefix(reason + refused) == true, "\(probe)")
  }

  /// The command on a kernel whose BTF is another file.
  struct KernelSaid {
    private let folder: TemporaryFolder
    private let file: String

    init(_ interface: MadeUpInterface) throws {
      folder = try TemporaryFolder()
      file = try folder.write(interface.btf, to: "vmlinux.btf")
    }

    func keyctl(_ arguments: String...) throws -> CommandResult { try keyctl(arguments) }

    func keyctl(_ arguments: [String]) throws -> CommandResult {
      let script = #"mount --bind "$1" /sys/kernel/btf/vmlinux && shift && exec "$0" "$@""#
      let shell = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
      return try run(shell + [Tools.built("keyctl"), file] + arguments)
    }
  }
}
