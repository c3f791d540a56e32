/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A cgroup's egress: the key chooses between letting packets out (off) and holding them back. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(deny);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

static __always_inline void count(__u32 verdict)
{
	__u64 *n = bpf_map_lookup_elem(&verdicts, &verdict);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	if (static_branch_unlikely(&deny)) {
		count(0);
		return 0;
	}
	count(1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
