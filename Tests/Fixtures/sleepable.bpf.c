/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A sleepable program, which the kernel lets make no tail calls. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(variant);

SEC("uprobe.s/libc.so.6:getpgid")
int sleepable(void *ctx)
{
	if (static_branch_unlikely(&variant))
		return 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
