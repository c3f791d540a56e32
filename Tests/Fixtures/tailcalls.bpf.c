/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A program with a function of its own and tail calls of its own: what a slot puts one more tail call before. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(variant);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} rounds SEC(".maps");

static __noinline int result(struct __sk_buff *skb)
{
	if (static_branch_unlikely(&variant))
		return skb->len + 1000;
	return skb->len;
}

SEC("tc")
int first(struct __sk_buff *skb)
{
	int value = result(skb);

	bpf_tail_call(skb, &next, 0);
	return value;
}

/* Calls itself until the kernel has enough of it. */
SEC("tc")
int again(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&rounds, &zero);

	if (static_branch_unlikely(&variant))
		return 77;
	if (n)
		__sync_fetch_and_add(n, 1);
	bpf_tail_call(skb, &next, 1);
	return 5;
}

char LICENSE[] SEC("license") = "GPL";
