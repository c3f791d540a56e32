/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Half of share.o: defines the key, and calls a function that share_b.bpf.c defines. Returns 11 off, 22 on. */
#include "fixture.h"

DEFINE_STATIC_KEY_FALSE(shared);

__noinline int shared_tens(int total);

SEC("xdp")
int share_a(struct xdp_md *ctx)
{
	int total = 1;

	if (static_branch_unlikely(&shared))
		total = 2;
	return shared_tens(total);
}

char LICENSE[] SEC("license") = "GPL";
