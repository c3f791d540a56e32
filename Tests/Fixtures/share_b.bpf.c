/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Half of share.o: uses the key that share_a.bpf.c defines. Its own program returns 1 with the key on, 2 off. */
#include "fixture.h"

DECLARE_STATIC_KEY_FALSE(shared);

__noinline int shared_tens(int total)
{
	if (static_branch_unlikely(&shared))
		return total + 20;
	return total + 10;
}

SEC("xdp")
int share_b(struct xdp_md *ctx)
{
	return static_branch_likely(&shared) ? 1 : 2;
}
