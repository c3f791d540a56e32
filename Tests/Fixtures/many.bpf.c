/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Twenty small programs that heed one key. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(all);

#define P(NAME)							\
	SEC("xdp")						\
	int NAME(struct xdp_md *ctx)				\
	{							\
		return static_branch_unlikely(&all) ? 1 : 2;	\
	}

P(p0) P(p1) P(p2) P(p3) P(p4) P(p5) P(p6) P(p7) P(p8) P(p9)
P(p10) P(p11) P(p12) P(p13) P(p14) P(p15) P(p16) P(p17) P(p18) P(p19)

char LICENSE[] SEC("license") = "GPL";
