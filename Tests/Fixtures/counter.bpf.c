/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts numbered packets, to show that a toggle loses none. The payload of an IPv4 UDP packet to port 7777 starts with
 * a little-endian u32: that entry of `seen` goes up by one, and so does the entry of `arms` for the arm that
 * ran (0 key off, 1 on). Such a packet is dropped, every other passes.
 */
#include "fixture.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#define PORT 7777
#define MAX_SEEN (1 << 20)

DEFINE_STATIC_KEY_FALSE(variant);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SEEN);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} arms SEC(".maps");

SEC("xdp")
int counter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 *payload = (void *)(udp + 1);
	__u32 seq, arm;
	__u32 *times;
	__u64 *total;

	if ((void *)(payload + 1) > end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->dest != bpf_htons(PORT))
		return XDP_PASS;

	if (static_branch_unlikely(&variant))
		arm = 1;
	else
		arm = 0;
	total = bpf_map_lookup_elem(&arms, &arm);
	if (total)
		__sync_fetch_and_add(total, 1);

	seq = *payload;
	times = bpf_map_lookup_elem(&seen, &seq);
	if (times)
		__sync_fetch_and_add(times, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
