/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A program for each hook that takes only its own type; with the key on it answers otherwise. */
#include "fixture.h"

/* As much of the kernel's as the iterator reads. */
struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
} __attribute__((preserve_access_index));

DEFINE_STATIC_KEY_FALSE(variant);

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	return static_branch_unlikely(&variant) ? BPF_DROP : BPF_OK;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	return static_branch_unlikely(&variant) ? SK_DROP : SK_PASS;
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	return static_branch_unlikely(&variant) ? SK_DROP : SK_PASS;
}

/* Writes one byte for each map of the machine, and one at the end. */
SEC("iter/bpf_map")
int maps(struct bpf_iter__bpf_map *ctx)
{
	char byte = static_branch_unlikely(&variant) ? 'n' : 'o';

	bpf_seq_write(ctx->meta->seq, &byte, sizeof(byte));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
