/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A single uprobe, for tests that load it often. */
#include "events.h"

SEC("uprobe/libc.so.6:getpgid")
int oneprobe(void *ctx)
{
	count_numbered(first_argument(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
