/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Constants in immediates: each size and sign, in a subprogram, inlined, in a loop, beside a static key. */
#include "fixture.h"

#include <stdbool.h>

enum level { LEVEL_LOW = 1, LEVEL_HIGH = 5 };

DEFINE_STATIC_CONST(__u8, tiny, 200);
DEFINE_STATIC_CONST(__s8, tiny_signed, -5);
DEFINE_STATIC_CONST(__u16, small, 0xffff);
DEFINE_STATIC_CONST(__s32, medium_signed, -70000);
DEFINE_STATIC_CONST(__u32, medium, 0xdeadbeef);
DEFINE_STATIC_CONST(__u64, wide, 0xdeadbeefcafebabeULL);
DEFINE_STATIC_CONST(__s64, wide_signed, -6000000000LL);
DEFINE_STATIC_CONST(bool, flag, true);
DEFINE_STATIC_CONST(enum level, level, LEVEL_LOW);

DEFINE_STATIC_KEY_FALSE(key);

struct sums {
	__u64 tiny;
	__s64 tiny_signed;
	__u64 small;
	__s64 medium_signed;
	__u64 medium;
	__u64 wide;
	__s64 wide_signed;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sums);
	__uint(max_entries, 1);
} results SEC(".maps");

static __attribute__((noinline)) int in_subprogram(struct xdp_md *ctx)
{
	return static_const(level) + (ctx->ingress_ifindex > 1000000 ? static_const(tiny) : 0);
}

static __attribute__((always_inline)) inline int inlined(void)
{
	return static_const(tiny);
}

SEC("xdp") int stores(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct sums *sums = bpf_map_lookup_elem(&results, &zero);

	if (!sums)
		return 0;
	sums->tiny = inlined();
	sums->tiny_signed = static_const(tiny_signed);
	sums->small = static_const(small);
	sums->medium_signed = static_const(medium_signed);
	sums->medium = static_const(medium);
	sums->wide = static_const(wide);
	sums->wide_signed = static_const(wide_signed);
	return in_subprogram(ctx);
}

SEC("xdp") int branches(struct xdp_md *ctx)
{
	int sum = 0;

	if (!static_const(flag))
		return 50;
	for (int i = 0; i < 4; i++)
		sum += static_const(tiny) & 3;
	if (static_branch_unlikely(&key))
		return 100 + in_subprogram(ctx);
	return sum + inlined() - static_const(tiny);
}

char LICENSE[] SEC("license") = "GPL";
