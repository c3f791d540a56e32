/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Sites whose two arms are one: the out-of-line region is empty and lies right behind the branch. clang seldom lays one
 * out so; written by hand, it always is. `empty` has no other site, `both` has one.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "static_key.bpf.h"

DEFINE_STATIC_KEY_FALSE(empty);
DEFINE_STATIC_KEY_FALSE(both);

#define EMPTY_SITE(n, key) \
	asm volatile("r0 = 0\n" \
		     "__static_branch.u." #n ".%c[k]:\n" \
		     "if r0 != 0 goto +0" \
		     : \
		     : [k] "i"(&(key)) \
		     : "r0")

SEC("xdp")
int hollow(struct xdp_md *ctx)
{
	EMPTY_SITE(7777, empty);
	EMPTY_SITE(7778, both);
	if (static_branch_unlikely(&both))
		return XDP_DROP;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
