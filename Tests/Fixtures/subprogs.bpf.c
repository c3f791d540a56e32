/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One key in every kind of place. The return value is 0 with the key off and 42111 with it on: a decimal digit a place,
 * counting how often the enabled arm ran there (main 1, static 1, global 1, inlined 2, loop 4).
 */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(steps);

static __noinline int in_static(int total)
{
	if (static_branch_unlikely(&steps))
		total += 10;
	return total;
}

__noinline int in_global(int total)
{
	if (static_branch_unlikely(&steps))
		total += 100;
	return total;
}

static __always_inline int inlined(int total)
{
	if (static_branch_unlikely(&steps))
		total += 1000;
	return total;
}

static __noinline int in_loop(int total, int rounds)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 4 && i < rounds; i++) {
		if (static_branch_unlikely(&steps))
			total += 10000;
		total += bpf_get_smp_processor_id() >> 31;
	}
	return total;
}

SEC("xdp")
int subprogs(struct xdp_md *ctx)
{
	int total = 0;

	if (static_branch_unlikely(&steps))
		total += 1;
	total = inlined(total);
	total = in_static(total);
	total = in_global(total);
	total = in_loop(total, ctx->data_end - ctx->data);
	return inlined(total);
}

char LICENSE[] SEC("license") = "GPL";
