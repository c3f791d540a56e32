/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Half of samename.o: both halves have a static function body() of one prototype, with sites at different places. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(key_b);

static __noinline int body(struct xdp_md *ctx)
{
	int n = ctx->ingress_ifindex;

	if (n > 1000)
		return 7;
	if (static_branch_unlikely(&key_b))
		return 20;
	return 2;
}

SEC("xdp")
int samename_b(struct xdp_md *ctx)
{
	return body(ctx) + 1;
}
