/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Eight keys in each of two programs: bit n of the answer is key n. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(k0);
DEFINE_STATIC_KEY_FALSE(k1);
DEFINE_STATIC_KEY_FALSE(k2);
DEFINE_STATIC_KEY_FALSE(k3);
DEFINE_STATIC_KEY_FALSE(k4);
DEFINE_STATIC_KEY_FALSE(k5);
DEFINE_STATIC_KEY_FALSE(k6);
DEFINE_STATIC_KEY_FALSE(k7);

static __always_inline int bits(void)
{
	int bits = 0;

	if (static_branch_unlikely(&k0))
		bits |= 1;
	if (static_branch_unlikely(&k1))
		bits |= 2;
	if (static_branch_unlikely(&k2))
		bits |= 4;
	if (static_branch_unlikely(&k3))
		bits |= 8;
	if (static_branch_unlikely(&k4))
		bits |= 16;
	if (static_branch_unlikely(&k5))
		bits |= 32;
	if (static_branch_unlikely(&k6))
		bits |= 64;
	if (static_branch_unlikely(&k7))
		bits |= 128;
	return bits;
}

SEC("xdp")
int eight_xdp(struct xdp_md *ctx)
{
	return bits();
}

SEC("tc")
int eight_tc(struct __sk_buff *skb)
{
	return bits();
}

char LICENSE[] SEC("license") = "GPL";
