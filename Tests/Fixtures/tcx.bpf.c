/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A tc program: the key chooses between passing packets (off) and dropping them. */
#include "fixture.h"

#include <linux/pkt_cls.h>

DEFINE_STATIC_KEY_FALSE(drop);

SEC("tc")
int tcx(struct __sk_buff *skb)
{
	return static_branch_unlikely(&drop) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
