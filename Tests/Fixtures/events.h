/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What tracing fixtures count. A test makes numbered events, getpgid(FIRST + n), which fail and harm nobody: that entry
 * of `seen` goes up by one, and so does the entry of `arms` for the arm that ran (0 key off, 1 on). Events
 * that carry no number are counted in `arms` if they are of the process in `wanted`.
 */
#pragma once
#include "fixture.h"

#include <bpf/bpf_core_read.h>

#define FIRST 0x5b000000
#define MAX_SEEN (1 << 16)

DEFINE_STATIC_KEY_FALSE(variant);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SEEN);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} arms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} wanted SEC(".maps");

/* The registers that hold a first argument, as the kernels of two architectures name them. */
struct pt_regs___x86 {
	unsigned long di;
} __attribute__((preserve_access_index));

struct user_pt_regs___arm64 {
	__u64 regs[31];
} __attribute__((preserve_access_index));

static __always_inline __u64 first_argument(void *regs)
{
	struct user_pt_regs___arm64 *arm64 = regs;
	struct pt_regs___x86 *x86 = regs;
	__u64 value = 0;

	if (bpf_core_field_exists(x86->di))
		bpf_probe_read_kernel(&value, sizeof(value), &x86->di);
	else
		bpf_probe_read_kernel(&value, sizeof(value), &arm64->regs[0]);
	return value;
}

static __always_inline void count_arm(void)
{
	__u64 *total;
	__u32 arm;

	if (static_branch_unlikely(&variant))
		arm = 1;
	else
		arm = 0;
	total = bpf_map_lookup_elem(&arms, &arm);
	if (total)
		__sync_fetch_and_add(total, 1);
}

static __always_inline void count_numbered(__u64 argument)
{
	__u32 number = (__u32)argument - FIRST;
	__u32 *times;

	if (argument < FIRST || argument >= FIRST + MAX_SEEN)
		return;
	times = bpf_map_lookup_elem(&seen, &number);
	if (times)
		__sync_fetch_and_add(times, 1);
	count_arm();
}

static __always_inline void count_own(void)
{
	__u32 zero = 0;
	__u32 *pid = bpf_map_lookup_elem(&wanted, &zero);

	if (pid && *pid && *pid == bpf_get_current_pid_tgid() >> 32)
		count_arm();
}
