/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* As layout_a.bpf.c with other types, at other places: its constants are fewer bytes than the other's struct alone. */
#include "fixture.h"

#include <stdbool.h>

struct config {
	__u32 burst;
	__u32 limit;
};

DEFINE_STATIC_KEY_TRUE(trace);

const volatile struct config cfg = { .burst = 3, .limit = 20 };
const volatile __u32 level = 2;
const volatile bool debug = false;
const volatile __u16 only_b = 1;

__u32 spare SEC(".data.late") = 7;
__u32 threshold SEC(".data.late") = 20;

SEC("xdp") int layout_b(struct xdp_md *ctx)
{
	if (static_branch_likely(&trace))
		return threshold + spare - 7;
	return 10000 * cfg.burst + (debug ? 1000 : 0) + 100 * level + cfg.limit;
}

char LICENSE[] SEC("license") = "GPL";
