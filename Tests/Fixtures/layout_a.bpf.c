/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One of two that mean different things by the same names: layout_b.bpf.c is the other. Returns what its settings say. */
#include "fixture.h"

#include <stdbool.h>

struct config {
	__u64 limit;
	__u32 burst;
	char name[12];
};

DEFINE_STATIC_KEY_FALSE(trace);

const volatile struct config cfg = { .limit = 10, .burst = 2, .name = "a" };
const volatile bool debug = false;
const volatile __u32 level = 1;
const volatile __u32 only_a = 1;

__u32 threshold = 10;

SEC("xdp") int layout_a(struct xdp_md *ctx)
{
	if (static_branch_unlikely(&trace))
		return threshold;
	return 10000 * cfg.burst + (debug ? 1000 : 0) + 100 * level + cfg.limit;
}

char LICENSE[] SEC("license") = "GPL";
