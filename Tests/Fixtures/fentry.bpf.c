/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* `enter` of trampoline.bpf.c, without the functions that only some trampolines prepare. */
#include "events.h"

/* As there, so that the one can take the other's place. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} told SEC(".maps");

SEC("fentry/__x64_sys_getpgid")
int enter(__u64 *ctx)
{
	__u32 zero = 0;
	__u64 nothing = 0;

	bpf_map_update_elem(&told, &zero, &nothing, BPF_ANY);
	count_numbered(first_argument((void *)ctx[0]));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
