/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What other tools hang on a BPF program: one that stands for a function of it, and one that watches it. */
#include "fixture.h"

SEC("freplace")
int instead(int total)
{
	return total + 500;
}

SEC("fexit")
int watch(__u64 *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
