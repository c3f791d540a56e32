/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Two programs of different types in one object: both heed `deny`, each counts in `hits` under a key of its own. */
#include "fixture.h"

#include <linux/pkt_cls.h>

DEFINE_STATIC_KEY_FALSE(deny);
DEFINE_STATIC_KEY_FALSE(count_xdp);
DEFINE_STATIC_KEY_TRUE(count_tc);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __always_inline void count(__u32 slot)
{
	__u64 *n = bpf_map_lookup_elem(&hits, &slot);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("xdp")
int multi_xdp(struct xdp_md *ctx)
{
	if (static_branch_unlikely(&count_xdp))
		count(0);
	return static_branch_unlikely(&deny) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int multi_tc(struct __sk_buff *skb)
{
	if (static_branch_likely(&count_tc))
		count(1);
	return static_branch_unlikely(&deny) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
