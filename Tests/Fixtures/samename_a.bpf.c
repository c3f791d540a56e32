/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Half of samename.o: both halves have a static function body() of one prototype, with sites at different places. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(key_a);

static __noinline int body(struct xdp_md *ctx)
{
	int n = ctx->rx_queue_index;

	if (static_branch_unlikely(&key_a))
		n += 10;
	return n;
}

SEC("xdp")
int samename_a(struct xdp_md *ctx)
{
	return body(ctx) + 1;
}

char LICENSE[] SEC("license") = "GPL";
