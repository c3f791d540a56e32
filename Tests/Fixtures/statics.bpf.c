/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A section with nothing but static variables: libbpf does not make its map one that user space can see the memory of. */
#include "fixture.h"

static __u32 calls;

SEC("xdp") int counts(struct xdp_md *ctx)
{
	return ++calls;
}

char LICENSE[] SEC("license") = "GPL";
