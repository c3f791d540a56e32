/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A cgroup program with storage of the cgroup's, which the kernel prepares for the program that is attached. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(twice);

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} packets SEC(".maps");

SEC("cgroup_skb/egress")
int stored(struct __sk_buff *skb)
{
	__u64 *n = bpf_get_local_storage(&packets, 0);

	if (static_branch_unlikely(&twice))
		__sync_fetch_and_add(n, 1);
	__sync_fetch_and_add(n, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
