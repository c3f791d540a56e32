/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Drops the packets that rate.h counts: as XDP, as tc and as cgroup program, so that every kind of hook can be put under
 * load.
 */
#include "rate.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

static __always_inline int counted(void *data, void *end)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	return counted_ip((void *)(eth + 1), end);
}

SEC("xdp")
int rate_xdp(struct xdp_md *ctx)
{
	return counted((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int rate_tc(struct __sk_buff *skb)
{
	return counted((void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("cgroup_skb/ingress")
int rate_cgroup(struct __sk_buff *skb)
{
	return !counted_ip((void *)(long)skb->data, (void *)(long)skb->data_end);
}

char LICENSE[] SEC("license") = "GPL";
