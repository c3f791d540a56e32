/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counts UDP packets to port 7777 over IPv4 in `arms`, by the arm that ran (0 key off, 1 on). */
#pragma once

#include "fixture.h"

#include <linux/in.h>
#include <linux/ip.h>
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
