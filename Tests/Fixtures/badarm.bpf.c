/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* An enabled arm that the verifier refuses: it reads the packet without a bounds check. `harmless` can be switched. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(badarm);
DEFINE_STATIC_KEY_FALSE(harmless);

SEC("xdp")
int bad(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;

	if (static_branch_unlikely(&harmless))
		return XDP_DROP;
	if (static_branch_unlikely(&badarm))
		return data[100];
	return XDP_PASS;
}

/* Heeds the same key with an arm that is fine: it must not switch alone. */
SEC("xdp")
int good(struct xdp_md *ctx)
{
	return static_branch_unlikely(&badarm) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
