/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The program of one endpoint, such as a container: it sits on the host's end of the endpoint's veth pair, where packets
 * come in. Who the endpoint is and what it may do are constants, so the code holds no look-up for them, and each
 * endpoint's program is another one.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "static_key.bpf.h"

#define MOST_ENDPOINTS 65536

DEFINE_STATIC_KEY_FALSE(debug);

const volatile __u32 endpoint_id;
/* The one address that the endpoint may send from. */
const volatile __u8 address[4];
/* What later stages know it by. */
DEFINE_STATIC_CONST(__u32, policy_mark, 0);

struct report {
	__u64 packets;
	__u32 mark;
	__u8 from[4];
};

/* What `debug` writes. All endpoints share it: keyctl load --share-map reports. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MOST_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct report);
} reports SEC(".maps");

/* Each endpoint's own. */
__u64 passed;
__u64 spoofed;

SEC("tcx/ingress")
int endpoint(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u8 *from = (void *)&ip->saddr;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (from[0] != address[0] || from[1] != address[1] || from[2] != address[2] || from[3] != address[3]) {
		__sync_fetch_and_add(&spoofed, 1);
		return TC_ACT_SHOT;
	}
	skb->mark = static_const(policy_mark);
	__sync_fetch_and_add(&passed, 1);

	if (static_branch_unlikely(&debug)) {
		__u32 id = endpoint_id;
		struct report *report = bpf_map_lookup_elem(&reports, &id);

		if (report) {
			__sync_fetch_and_add(&report->packets, 1);
			report->mark = skb->mark;
			__builtin_memcpy(report->from, (void *)&ip->saddr, 4);
		}
	}
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
