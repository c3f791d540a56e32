/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* jump_label's table: TRUE and FALSE by likely and unlikely. A program returns 1 from the enabled arm, else 2. */
#include "fixture.h"

DEFINE_STATIC_KEY_TRUE(key_true);
DEFINE_STATIC_KEY_FALSE(key_false);

SEC("xdp")
int true_likely(struct xdp_md *ctx)
{
	return static_branch_likely(&key_true) ? 1 : 2;
}

SEC("xdp")
int true_unlikely(struct xdp_md *ctx)
{
	return static_branch_unlikely(&key_true) ? 1 : 2;
}

SEC("xdp")
int false_likely(struct xdp_md *ctx)
{
	return static_branch_likely(&key_false) ? 1 : 2;
}

SEC("xdp")
int false_unlikely(struct xdp_md *ctx)
{
	return static_branch_unlikely(&key_false) ? 1 : 2;
}

char LICENSE[] SEC("license") = "GPL";
