/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Finds no socket for packets where the key is on: they are refused. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(variant);

SEC("sk_lookup")
int find(struct bpf_sk_lookup *ctx)
{
	return static_branch_unlikely(&variant) ? SK_DROP : SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
