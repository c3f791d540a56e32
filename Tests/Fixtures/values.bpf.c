/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Settings of every shape in .rodata, counters in .bss and .data; no static key. Programs return what their settings say. */
#include "fixture.h"

#include <stdbool.h>

enum mode { MODE_PASS = 0, MODE_DROP = 7, MODE_NEGATIVE = -1 };

struct limits {
	int low : 3;
	unsigned int high : 5;
	__u16 rate[4];
	char name[8];
	union {
		__u32 word;
		__u8 bytes[4];
	};
	void *cookie;
};

const volatile bool debug = false;
const volatile __u32 verdict = 2;
const volatile __s8 tiny = -5;
const volatile __u64 wide = 0x1122334455667788ULL;
const volatile enum mode mode = MODE_DROP;
const volatile char device[16] = "eth0";
const volatile struct limits limits = { .low = -2, .high = 9, .rate = { 1, 2, 3, 4 }, .name = "abc", .word = 258 };
const volatile double ratio = 0.5;
const __u32 folded = 3;

__u64 packets;
__u32 threshold = 10;
struct limits live;
static __u32 calls;

SEC("xdp") int reads_verdict(struct xdp_md *ctx)
{
	static __u32 seen;

	__sync_fetch_and_add(&packets, 1);
	seen++;
	calls++;
	if (debug)
		return seen > 1000000 ? 0 : 100 + limits.rate[2];
	return verdict;
}

SEC("xdp") int reads_mode(struct xdp_md *ctx)
{
	static __u32 seen;

	seen++;
	if (device[0] == 'w')
		return 50;
	return mode == MODE_DROP ? seen != 0 : limits.high;
}

SEC("xdp") int reads_threshold(struct xdp_md *ctx)
{
	live.rate[0]++;
	return threshold + live.rate[1] + live.low;
}

/* With the setting on, the program reads beyond the packet, which the verifier refuses. */
SEC("xdp") int refused_when_wide(struct xdp_md *ctx)
{
	if (wide == 1)
		return *(__u8 *)(long)ctx->data;
	return tiny == -5 ? 2 : 1;
}

SEC("xdp") int reads_nothing(struct xdp_md *ctx)
{
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
