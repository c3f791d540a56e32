/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The two examples of the 2018 talk on static data, for today's header: a number in an immediate, four bytes in .rodata. */
#include "fixture.h"

#include <linux/pkt_cls.h>

DEFINE_STATIC_CONST(__u32, foo, 42);

const volatile __u8 bar[4] = { 0, 1, 2, 3 };

SEC("tc") int marks_number(struct __sk_buff *skb)
{
	skb->mark = static_const(foo);
	return TC_ACT_UNSPEC;
}

SEC("tc") int marks_bytes(struct __sk_buff *skb)
{
	__u8 mark[4];

	for (unsigned int i = 0; i < sizeof(bar); i++)
		mark[i] = bar[i];
	__builtin_memcpy(&skb->mark, mark, sizeof(mark));
	return TC_ACT_UNSPEC;
}

/* Counts packets by their mark, for whoever runs before it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
} seen SEC(".maps");

SEC("tc") int counts_marks(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;
	__u64 one = 1;
	__u64 *count = bpf_map_lookup_elem(&seen, &mark);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&seen, &mark, &one, BPF_ANY);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
