/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A site for a key that is declared and nowhere defined: no loader takes the object. */
#include "fixture.h"

DECLARE_STATIC_KEY_FALSE(nowhere);

SEC("xdp")
int undefined(struct xdp_md *ctx)
{
	return static_branch_unlikely(&nowhere) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
