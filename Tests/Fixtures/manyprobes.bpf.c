/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* For one link to many places, whose program the kernel does not replace. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(variant);

SEC("uprobe.multi")
int probe(void *ctx)
{
	return static_branch_unlikely(&variant) ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
