/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A key as a loop's own condition: clang lays the out-of-line region before the branch, which is no static branch. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(again);

SEC("xdp")
int backward(struct xdp_md *ctx)
{
	__u32 n = ctx->rx_queue_index;

	n += bpf_get_prandom_u32();
	do {
		if (n & 1)
			n += 8;
	} while (static_branch_unlikely(&again));
	return n & 1;
}

char LICENSE[] SEC("license") = "GPL";
