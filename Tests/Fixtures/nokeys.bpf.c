/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* An object without a key: nothing to manage. */
#include "fixture.h"

SEC("xdp")
int nokeys(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
