/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Programs for hooks that the kernel reaches through a trampoline. */
#include "events.h"

/* What bpf_get_func_ip() and bpf_get_attach_cookie() said last, in `enter`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} told SEC(".maps");

SEC("fentry/__x64_sys_getpgid")
int enter(__u64 *ctx)
{
	__u64 ip = bpf_get_func_ip(ctx), cookie = bpf_get_attach_cookie(ctx);
	__u32 zero = 0, one = 1;

	bpf_map_update_elem(&told, &zero, &ip, BPF_ANY);
	bpf_map_update_elem(&told, &one, &cookie, BPF_ANY);
	count_numbered(first_argument((void *)ctx[0]));
	return 0;
}

SEC("fexit/__x64_sys_getpgid")
int leave(__u64 *ctx)
{
	count_numbered(first_argument((void *)ctx[0]));
	return 0;
}

/* The kernel lets this one's result be set even where it is built without error injection. */
SEC("fmod_ret/security_task_getpgid")
int modify(__u64 *ctx)
{
	count_own();
	return 0;
}

SEC("lsm/task_getpgid")
int guard(__u64 *ctx)
{
	count_own();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
