/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Declares share_a.bpf.c's FALSE key as TRUE: its sites would start in the wrong state, so it must not link. */
#include "fixture.h"

DECLARE_STATIC_KEY_TRUE(shared);

SEC("xdp")
int share_mismatch(struct xdp_md *ctx)
{
	return static_branch_unlikely(&shared) ? XDP_DROP : XDP_PASS;
}
