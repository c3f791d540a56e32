/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Drops UDP packets to port 7777 over IPv4 and counts them in `arms`, by the arm that ran (0 key off, 1 on): as XDP, as tc
 * and as cgroup program, so that every kind of hook can be put under load.
 */
#include "fixture.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#define PORT 7777

DEFINE_STATIC_KEY_FALSE(variant);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} arms SEC(".maps");

static __always_inline int counted_ip(struct iphdr *ip, void *end)
{
	struct udphdr *udp = (void *)(ip + 1);
	__u32 arm = 0;
	__u64 *total;

	if ((void *)(udp + 1) > end)
		return 0;
	if (ip->ihl != 5 || ip->protocol != IPPROTO_UDP || udp->dest != bpf_htons(PORT))
		return 0;
	if (static_branch_unlikely(&variant))
		arm = 1;
	total = bpf_map_lookup_elem(&arms, &arm);
	if (total)
		__sync_fetch_and_add(total, 1);
	return 1;
}

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
