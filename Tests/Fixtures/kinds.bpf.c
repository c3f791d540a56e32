/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps of many kinds and every kind of data section, for templates to carry. Returns what the sections say. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(answer);
DEFINE_STATIC_KEY_TRUE(unused);

const volatile __u32 constant = 40;
const volatile __u32 more SEC(".rodata.more") = 1;
__u32 initialized = 1;
__u32 other SEC(".data.other") = 5;
__u64 zero;

struct entry {
	__u32 a;
	__u64 b;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} array_of_maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u64);
	__array(values, struct inner);
} hash_of_maps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} perf_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, struct entry);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, struct entry);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct entry);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} queue SEC(".maps");

SEC("xdp")
int kinds(struct xdp_md *ctx)
{
	__u32 index = 0;
	__u64 wide = 0;
	struct entry key = {};
	void *inner;

	inner = bpf_map_lookup_elem(&array_of_maps, &index);
	if (inner && bpf_map_lookup_elem(inner, &index))
		zero++;
	inner = bpf_map_lookup_elem(&hash_of_maps, &wide);
	if (inner && bpf_map_lookup_elem(inner, &index))
		zero++;
	if (bpf_map_lookup_elem(&trie, &wide) || bpf_map_lookup_elem(&per_cpu, &key))
		zero++;
	bpf_map_push_elem(&queue, &wide, BPF_ANY);
	bpf_ringbuf_output(&ring, &wide, sizeof(wide), 0);
	bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &wide, sizeof(wide));
	bpf_tail_call(ctx, &programs, 1);
	if (zero > 1000)
		return bpf_redirect_map(&devices, 0, 0);
	if (static_branch_unlikely(&answer))
		return constant + more + initialized;
	return other;
}

SEC("?xdp")
int not_loaded(struct xdp_md *ctx)
{
	return 1 / (int)zero;
}

SEC("cgroup_skb/egress")
int reads_storage(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct entry *entry;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	entry = bpf_sk_storage_get(&storage, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (entry)
		entry->a++;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
