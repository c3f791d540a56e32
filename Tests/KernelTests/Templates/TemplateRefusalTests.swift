// SPDX-License-Identifier: Apache-2.0

import Foundation
import Patcher
import StaticKeys
import SystemPackage
import TestSupport
import Testing

extension KernelTests {
  /// What a template cannot describe is refused when it is built, by name and with the reason.
  @Suite(.serialized, .requiresRoot, .requiresCompiler, .censused)
  struct TemplateRefusals {
    struct Source: CustomTestStringConvertible, Sendable {
      let reason: String
      let text: String

      var testDescription: String { reason }

      func compiled() throws -> CompiledObject {
        try CompiledObject("#include \"fixture.h\"\n\(text)\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n")
      }
    }

    static let sources = [
      Source(
        reason: "the map 'pinned' is pinned by its name",
        text: """
          struct {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entries, 1);
            __type(key, __u32);
            __type(value, __u32);
            __uint(pinning, LIBBPF_PIN_BY_NAME);
          } pinned SEC(".maps");
          SEC("xdp") int p(struct xdp_md *ctx) { __u32 k = 0; return bpf_map_lookup_elem(&pinned, &k) ? 1 : 2; }
          """),
      Source(
        reason: "the map 'slots' has programs or maps in it from the start",
        text: """
          SEC("xdp") int other(struct xdp_md *ctx) { return 2; }
          struct {
            __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
            __uint(max_entries, 2);
            __uint(key_size, 4);
            __array(values, int (struct xdp_md *));
          } slots SEC(".maps") = { .values = { [1] = (void *)&other } };
          SEC("xdp") int p(struct xdp_md *ctx) { bpf_tail_call(ctx, &slots, 1); return 2; }
          """),
      Source(
        reason: "the map 'outer' has programs or maps in it from the start",
        text: """
          struct inner {
            __uint(type, BPF_MAP_TYPE_ARRAY);
            __uint(max_entries, 1);
            __type(key, __u32);
            __type(value, __u32);
          } first SEC(".maps");
          struct {
            __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
            __uint(max_entries, 2);
            __type(key, __u32);
            __array(values, struct inner);
          } outer SEC(".maps") = { .values = { [1] = &first } };
          SEC("xdp") int p(struct xdp_md *ctx) { __u32 k = 0; return bpf_map_lookup_elem(&outer, &k) ? 1 : 2; }
          """),
      Source(
        reason: "it uses the bare address of the kernel's 'jiffies'",
        text: """
          extern const void jiffies __ksym;
          SEC("xdp") int p(struct xdp_md *ctx) { return (__u64)&jiffies & 1 ? 1 : 2; }
          """),
      Source(
        reason: "the map 'ops' is for struct_ops",
        text: """
          struct tcp_congestion_ops { void (*init)(void *sk); char name[16]; };
          SEC("struct_ops/start") void start(unsigned long long *ctx) {}
          SEC(".struct_ops") struct tcp_congestion_ops ops = { .init = (void *)start, .name = "sk_test" };
          SEC("xdp") int p(struct xdp_md *ctx) { return 2; }
          """),
    ]

    @Test(arguments: sources) func refused(source: Source) throws {
      let object = try source.compiled()
      let error = #expect(throws: StaticKeysError.self) { try TemplateBuilder().build(FilePath(object.path)) }
      #expect(
        error?.code == .unsupported && error?.message.contains(source.reason) == true, "\(String(describing: error))")
      #expect(error?.place.file == object.path && error?.advice?.isEmpty == false)
      #expect(!FileManager.default.fileExists(atPath: "/sys/fs/bpf/pinned"), "libbpf pins by name when it loads")
    }

    static let bound = [
      Source(
        reason: "kernel symbols",
        text: """
          extern void bpf_rcu_read_lock(void) __ksym;
          extern void bpf_rcu_read_unlock(void) __ksym;
          SEC("xdp") int p(struct xdp_md *ctx) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 2; }
          """),
      Source(
        reason: "the kernel's configuration",
        text: """
          extern int LINUX_KERNEL_VERSION __kconfig;
          SEC("xdp") int p(struct xdp_md *ctx) { return LINUX_KERNEL_VERSION < 0x20000 ? 1 : 2; }
          """),
    ]

    @Test("what holds for one kernel binds the template to it, which loads it", arguments: bound)
    func binds(source: Source) throws {
      let object = try source.compiled()
      let built = try BuiltTemplate(object: object.path)
      #expect(built.template.binding?.reasons == [source.reason])
      #expect(try built.load().run("p") == 2)
    }
  }
}
