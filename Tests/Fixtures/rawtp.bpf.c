/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A raw tracepoint: its attachment cannot change the program that it runs. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(trace);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("raw_tp/sys_enter")
int rawtp(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 slot = 0;
	__u64 *n;

	if (static_branch_unlikely(&trace)) {
		n = bpf_map_lookup_elem(&calls, &slot);
		if (n)
			__sync_fetch_and_add(n, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
